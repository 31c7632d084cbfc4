import { get, post, send } from "./api.js";
import { byId, element, show } from "./element.js";
import { attempt, attemptWith } from "./notice.js";
import { isChannel, offer, pretty } from "./people.js";

const contact = byId("contact");
const channel = byId("channel");
const message = byId("message");
const picture = byId("picture");
const reads = byId("reads");
const log = byId("conversation");

/** Messages that this page marked as read; the sandbox does not remember them. */
const marked = new Set();

/** Whether the log is scrolled to its end, and should stay there. */
let isAtEnd = true;

const ticks = { sent: "✓ sent", delivered: "✓✓ delivered", read: "✓✓ read", played: "✓✓ played" };
const imageBytesMax = 16 * 1024 * 1024;

export function startChat() {
  contact.value = "15550200001";
  byId("compose").addEventListener("submit", (event) => {
    event.preventDefault();
    if (message.value.trim() === "") return;
    void attemptWith(event.submitter, async () => {
      await post(`accounts/${you()}/send-text`, { to: peer(), text: message.value, ...addressing() });
      message.value = "";
      message.focus();
    });
  });
  log.addEventListener("scroll", () => {
    isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  });
  addEventListener("resize", keepAtEnd);
  picture.addEventListener("change", () => attempt(sendPicture));
  reads.addEventListener("change", () =>
    attempt(async () => {
      await post("accounts", { phoneNumber: you() });
      const read = reads.checked ? "auto" : "never";
      await send("PATCH", `accounts/${you()}`, { receiptPolicy: { read } });
    }),
  );
}

/** The contact's number, without the spaces and signs that people write for readability. */
const you = () => contact.value.replace(/\D/g, "");

function peer() {
  if (channel.value) return channel.value;
  throw new Error("Link a device first, so that there is someone to write to.");
}

const addressing = () => (byId("by-lid").checked ? { addressing: "lid" } : {});

async function sendPicture() {
  const [file] = picture.files;
  picture.value = "";
  if (!file) return;
  if (file.size > imageBytesMax) throw new Error("The image is larger than 16 MB.");
  const base64 = new Uint8Array(await file.arrayBuffer()).toBase64?.() ?? (await readBase64(file));
  const media = { kind: "image", mimetype: file.type || "image/png", base64, fileName: file.name };
  const caption = message.value.trim();
  await post(`accounts/${you()}/send-media`, {
    to: peer(),
    ...media,
    ...addressing(),
    ...(caption && { caption }),
  });
  message.value = "";
}

const readBase64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });

export async function drawChat({ accounts }) {
  const channels = accounts.filter(isChannel);
  offer(
    channel,
    channels.length === 0
      ? [["", "none linked yet"]]
      : channels.map(({ phoneNumber }) => [phoneNumber, pretty(phoneNumber)]),
  );
  const people = accounts.filter((account) => !isChannel(account));
  show(byId("people"), people, (list) =>
    list.map(({ phoneNumber, pushName }) => new Option(pushName, phoneNumber)),
  );

  const self = accounts.find((account) => account.phoneNumber === you());
  reads.checked = self ? self.receiptPolicy.read !== "never" : false;
  const lines = self && channel.value ? await get(`accounts/${you()}/chats/${channel.value}?limit=100`) : [];
  if (
    show(
      log,
      { lines: lines.map((line) => ({ ...line, isMarked: marked.has(line.id) })), you: you() },
      drawLines,
    )
  )
    keepAtEnd();
}

function keepAtEnd() {
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function drawLines({ lines }) {
  if (lines.length > 0) return lines.map(bubble);
  return element("p", { className: "empty" }, "No messages yet.");
}

function bubble(line) {
  const isMine = line.from === you();
  const time = new Date(line.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const copies = line.copies > 1 ? `arrived ${line.copies} times · ` : "";
  return element(
    "article",
    { className: `bubble ${isMine ? "mine" : "theirs"}` },
    attachment(line),
    line.text ? element("p", {}, line.text) : null,
    element(
      "footer",
      {},
      isMine ? null : readButton(line),
      element("span", {}, `${copies}${time}`),
      isMine ? element("span", { className: line.progress }, ticks[line.progress]) : null,
    ),
  );
}

function attachment({ media, mediaError, text }) {
  if (mediaError) return element("p", { className: "bad" }, `Attachment unavailable: ${mediaError}`);
  if (media?.kind === "image" || media?.kind === "sticker") {
    return element(
      "a",
      { href: media.path },
      element("img", { src: media.path, alt: text ?? "Image", onload: keepAtEnd }),
    );
  }
  if (media)
    return element("a", { href: media.path }, media.fileName ?? `${media.kind}, ${media.bytes} bytes`);
  return text ? null : element("p", { className: "soft" }, "A message without text");
}

function readButton({ id, isMarked }) {
  if (isMarked) return element("span", {}, "you read it");
  const markRead = (event) =>
    attemptWith(event.currentTarget, async () => {
      await post(`accounts/${you()}/mark-read`, { messageId: id });
      marked.add(id);
      return "Read receipt sent to the channel.";
    });
  return element(
    "button",
    { type: "button", className: "link", "data-key": id, onclick: markRead },
    "Mark read",
  );
}
