import { byId } from "./element.js";

let timer;

/** Says for a while what happened. */
export function say(text, kind = "good") {
  const notice = byId("notice");
  notice.textContent = text;
  notice.dataset.kind = kind;
  clearTimeout(timer);
  timer = setTimeout(() => {
    notice.textContent = "";
  }, 4000);
}

/** Does something and says how it went; what it returns is said, nothing if that is empty. */
export async function attempt(action) {
  try {
    const outcome = await action();
    if (outcome) say(outcome);
    return true;
  } catch (error) {
    say(error.message, "bad");
    return false;
  }
}

/** `attempt` for a button: it can't be pressed twice meanwhile. */
export async function attemptWith(button, action) {
  button.disabled = true;
  await attempt(action);
  button.disabled = false;
}
