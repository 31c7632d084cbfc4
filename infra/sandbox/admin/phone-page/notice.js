import { byId } from "./element.js";

let timer;

/** Shows a notice for a few seconds. */
export function showNotice(text, kind = "good") {
  const notice = byId("notice");
  notice.textContent = text;
  notice.dataset.kind = kind;
  clearTimeout(timer);
  timer = setTimeout(() => {
    notice.textContent = "";
  }, 4000);
}

/** Runs an action and shows the notice that it returns, if any, or its error. */
export async function attempt(action) {
  try {
    const notice = await action();
    if (notice) showNotice(notice);
    return true;
  } catch (error) {
    showNotice(error.message, "bad");
    return false;
  }
}

/** `attempt` for a button, which stays disabled meanwhile. */
export async function attemptWith(button, action) {
  button.disabled = true;
  await attempt(action);
  button.disabled = false;
}
