import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { proto, type WAMessage } from "#connector/baileys/baileys.ts";
import { fromWhatsApp } from "#connector/messages/from-whatsapp/from-whatsapp.ts";
import { messageEvents } from "#shared/message-events.ts";
import { receivedContentSchema, receivedKinds } from "#shared/received-content.ts";
import { account, convert, dataOf, message, peer } from "./received-messages.fixture.ts";

const file = { mimetype: "image/png", fileLength: 1234, caption: "look" };
const told = { mimetype: "image/png", sizeBytes: 1234 };
const vcard = [
  "BEGIN:VCARD",
  "FN:Ada Lovelace",
  "ORG:Analytical Engines;",
  "item1.TEL;type=CELL;waid=15550100001:+1 555 010 0001",
  "TEL:+1 555 010",
  "  0002",
  "EMAIL:ada@example.org",
  "END:VCARD",
].join("\r\n");
const buttons = { header: "Table", text: "Shall we book it?", footer: "Ada's" };
const flow = (name: string, params: object) => ({ name, buttonParamsJson: JSON.stringify(params) });

/** What comes, what is told of it, and the text in it that people see. */
const received: [string, proto.IMessage, object, string][] = [
  ["a text", { conversation: "Hi" }, { type: "text", text: "Hi" }, "Hi"],
  ["an empty text", { conversation: "" }, { type: "text", text: "" }, ""],
  ["a long text", { extendedTextMessage: { text: "Hi" } }, { type: "text", text: "Hi" }, "Hi"],
  [
    "a text with a link",
    {
      extendedTextMessage: {
        text: "See https://a.example",
        matchedText: "https://a.example",
        title: "A",
        description: "B",
      },
    },
    {
      type: "text",
      text: "See https://a.example",
      linkPreview: { url: "https://a.example", title: "A", description: "B" },
    },
    "See https://a.example",
  ],
  [
    "a picture",
    { imageMessage: { ...file, width: 4, height: 3 } },
    { type: "image", ...told, width: 4, height: 3, caption: "look" },
    "look",
  ],
  [
    "a picture to view once",
    { imageMessage: { ...file, viewOnce: true } },
    { type: "image", ...told, viewOnce: true, caption: "look" },
    "look",
  ],
  [
    "a video",
    { videoMessage: { ...file, seconds: 7 } },
    { type: "video", ...told, seconds: 7, caption: "look" },
    "look",
  ],
  ["a gif", { videoMessage: { gifPlayback: true } }, { type: "gif", mimetype: null, sizeBytes: null }, ""],
  [
    "a round video",
    { ptvMessage: { seconds: 3 } },
    { type: "video_note", mimetype: null, sizeBytes: null, seconds: 3 },
    "",
  ],
  [
    "an audio file",
    { audioMessage: { mimetype: "audio/mp4" } },
    { type: "audio", mimetype: "audio/mp4", sizeBytes: null },
    "",
  ],
  [
    "a voice note",
    { audioMessage: { ptt: true, seconds: 4 } },
    { type: "voice", mimetype: null, sizeBytes: null, seconds: 4 },
    "",
  ],
  [
    "a document",
    { documentMessage: { ...file, fileName: "a.png", pageCount: 2 } },
    { type: "document", ...told, fileName: "a.png", pages: 2, caption: "look" },
    "look",
  ],
  [
    "a sticker that moves",
    { stickerMessage: { mimetype: "image/webp", isAnimated: true } },
    { type: "sticker", mimetype: "image/webp", sizeBytes: null, isAnimated: true },
    "",
  ],
  [
    "the beginning of an album",
    { albumMessage: { expectedImageCount: 2 } },
    { type: "album", images: 2, videos: 0 },
    "",
  ],
  [
    "a place",
    {
      locationMessage: { degreesLatitude: 52.5, degreesLongitude: -13.25, name: "Gate", address: "Square 1" },
    },
    { type: "location", latitude: 52.5, longitude: -13.25, name: "Gate", address: "Square 1" },
    "Gate, Square 1",
  ],
  [
    "a place on the equator",
    { locationMessage: { degreesLatitude: 0, degreesLongitude: 32.5 } },
    { type: "location", latitude: 0, longitude: 32.5 },
    "",
  ],
  [
    "a place without coordinates that JSON can write",
    {
      locationMessage: {
        degreesLatitude: Number.NaN,
        degreesLongitude: Number.POSITIVE_INFINITY,
        name: "Gate",
      },
    },
    { type: "location", name: "Gate" },
    "Gate",
  ],
  [
    "a live place that says nothing",
    { liveLocationMessage: { speedInMps: Number.NEGATIVE_INFINITY, degreesLatitude: Number.NaN } },
    { type: "live_location" },
    "",
  ],
  [
    "a voice note of less than a second",
    { audioMessage: { ptt: true, seconds: 0 } },
    { type: "voice", mimetype: null, sizeBytes: null, seconds: 0 },
    "",
  ],
  [
    "a live place",
    {
      liveLocationMessage: {
        degreesLatitude: 1.5,
        degreesLongitude: 2.5,
        accuracyInMeters: 9,
        speedInMps: 0.5,
        caption: "here",
      },
    },
    {
      type: "live_location",
      latitude: 1.5,
      longitude: 2.5,
      accuracyMetres: 9,
      metresPerSecond: 0.5,
      caption: "here",
    },
    "here",
  ],
  [
    "a contact",
    { contactMessage: { displayName: "Ada", vcard } },
    {
      type: "contacts",
      contacts: [
        {
          name: "Ada",
          phones: ["+1 555 010 0001", "+1 555 010 0002"],
          organisation: "Analytical Engines",
          email: "ada@example.org",
        },
      ],
    },
    "Ada",
  ],
  [
    "several contacts",
    { contactsArrayMessage: { contacts: [{ vcard: "FN:Ada\\, Countess" }, { displayName: "Bob" }] } },
    {
      type: "contacts",
      contacts: [
        { name: "Ada, Countess", phones: [] },
        { name: "Bob", phones: [] },
      ],
    },
    "Ada, Countess, Bob",
  ],
  [
    "contacts without a name",
    { contactsArrayMessage: { contacts: [{ vcard: "TEL:+1 555" }, { vcard: "EMAIL:a@example.org" }, {}] } },
    {
      type: "contacts",
      contacts: [
        { name: "", phones: ["+1 555"] },
        { name: "", phones: [], email: "a@example.org" },
        { name: "", phones: [] },
      ],
    },
    "+1 555, a@example.org",
  ],
  [
    "a contact whose card escapes a backslash",
    { contactMessage: { vcard: "FN:C\\\\new\\, A\\nB" } },
    { type: "contacts", contacts: [{ name: "C\\new, A\nB", phones: [] }] },
    "C\\new, A\nB",
  ],
  ["a request for our number", { requestPhoneNumberMessage: {} }, { type: "request_phone_number" }, ""],
  [
    "a number that is shown to us",
    { protocolMessage: { type: proto.Message.ProtocolMessage.Type.SHARE_PHONE_NUMBER } },
    { type: "share_phone_number" },
    "",
  ],
  ...(
    [
      "pollCreationMessage",
      "pollCreationMessageV2",
      "pollCreationMessageV3",
      "pollCreationMessageV5",
    ] as const
  ).map((field): [string, proto.IMessage, object, string] => [
    `a poll (${field})`,
    {
      [field]: {
        name: "When?",
        options: [{ optionName: "Mo" }, { optionName: "Tu" }],
        selectableOptionsCount: 0,
      },
    },
    { type: "poll", name: "When?", options: ["Mo", "Tu"], selectable: 2 },
    "When?",
  ]),
  [
    "the result of a poll",
    { pollResultSnapshotMessage: { name: "When?", pollVotes: [{ optionName: "Mo", optionVoteCount: 2 }] } },
    { type: "poll_result", name: "When?", votes: [{ option: "Mo", count: 2 }] },
    "When?",
  ],
  [
    "an event",
    {
      eventMessage: {
        name: "Tasting",
        startTime: 1_800_000_000,
        location: { name: "Shop" },
        isCanceled: true,
      },
    },
    {
      type: "event",
      name: "Tasting",
      start: "2027-01-15T08:00:00.000Z",
      location: "Shop",
      isCancelled: true,
    },
    "Tasting",
  ],
  [
    "buttons",
    {
      buttonsMessage: {
        ...{ text: "Table", contentText: buttons.text, footerText: buttons.footer },
        buttons: [{ buttonId: "yes", buttonText: { displayText: "Yes" } }],
      },
    },
    { type: "buttons", ...buttons, buttons: [{ id: "yes", text: "Yes" }] },
    buttons.text,
  ],
  [
    "a one-time code in a template",
    {
      templateMessage: {
        hydratedTemplate: {
          hydratedContentText: "123456 is your code.",
          hydratedButtons: [
            {
              urlButton: {
                displayText: "Copy",
                url: "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456",
              },
            },
            { callButton: { displayText: "Call", phoneNumber: "+15550100001" } },
            { quickReplyButton: { displayText: "Stop", id: "stop" } },
          ],
        },
      },
    },
    {
      type: "template",
      text: "123456 is your code.",
      buttons: [
        {
          text: "Copy",
          url: "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456",
          code: "123456",
        },
        { text: "Call", phoneNumber: "+15550100001" },
        { text: "Stop", id: "stop" },
      ],
    },
    "123456 is your code.",
  ],
  [
    "an old template",
    { highlyStructuredMessage: { elementName: "code", params: ["123456"] } },
    { type: "template", text: "123456", buttons: [] },
    "123456",
  ],
  [
    "an interactive message",
    {
      interactiveMessage: {
        header: { title: "Table" },
        body: { text: buttons.text },
        footer: { text: buttons.footer },
        nativeFlowMessage: {
          buttons: [
            flow("quick_reply", { display_text: "Yes", id: "yes" }),
            flow("cta_copy", { display_text: "Copy", copy_code: "123456" }),
            flow("single_select", { title: "Days", sections: [{ rows: [{ id: "mo", title: "Monday" }] }] }),
            { name: "cta_url", buttonParamsJson: "{" },
          ],
        },
      },
    },
    {
      type: "interactive",
      ...buttons,
      buttons: [
        { text: "Yes", id: "yes" },
        { text: "Copy", code: "123456" },
        { text: "Monday", id: "mo" },
        { text: "cta_url" },
      ],
    },
    buttons.text,
  ],
  [
    "cards",
    {
      interactiveMessage: {
        body: { text: "Our shops" },
        carouselMessage: { cards: [{ header: { title: "North" }, body: { text: "Street 1" } }] },
      },
    },
    {
      type: "interactive",
      text: "Our shops",
      buttons: [],
      cards: [{ header: "North", text: "Street 1", buttons: [] }],
    },
    "Our shops",
  ],
  [
    "cards without a text of their own",
    {
      interactiveMessage: {
        carouselMessage: {
          cards: [
            { header: { title: "North" } },
            { nativeFlowMessage: { buttons: [flow("quick_reply", { display_text: "South", id: "s" })] } },
          ],
        },
      },
    },
    {
      type: "interactive",
      text: "",
      buttons: [],
      cards: [
        { header: "North", text: "", buttons: [] },
        { text: "", buttons: [{ text: "South", id: "s" }] },
      ],
    },
    "North, South",
  ],
  [
    "buttons without a text",
    { buttonsMessage: { buttons: [{ buttonId: "y", buttonText: { displayText: "Yes" } }] } },
    { type: "buttons", text: "", buttons: [{ id: "y", text: "Yes" }] },
    "Yes",
  ],
  [
    "a list",
    {
      listMessage: {
        ...{ title: "Days", description: "Choose", buttonText: "Show", footerText: "Ada's" },
        sections: [{ title: "Week", rows: [{ rowId: "mo", title: "Monday", description: "morning" }] }],
      },
    },
    {
      ...{ type: "list", header: "Days", text: "Choose", footer: "Ada's", button: "Show" },
      sections: [{ title: "Week", rows: [{ id: "mo", title: "Monday", description: "morning" }] }],
    },
    "Choose",
  ],
  [
    "a tapped button",
    { buttonsResponseMessage: { selectedButtonId: "yes", selectedDisplayText: "Yes" } },
    { type: "button_reply", id: "yes", text: "Yes" },
    "Yes",
  ],
  [
    "a tapped button of a template",
    { templateButtonReplyMessage: { selectedId: "stop", selectedDisplayText: "Stop" } },
    { type: "button_reply", id: "stop", text: "Stop" },
    "Stop",
  ],
  [
    "a tapped button of an interactive message",
    {
      interactiveResponseMessage: {
        body: { text: "Yes" },
        nativeFlowResponseMessage: { name: "quick_reply", paramsJson: '{"id":"yes"}' },
      },
    },
    { type: "button_reply", id: "yes", text: "Yes" },
    "Yes",
  ],
  [
    "a chosen row",
    {
      listResponseMessage: {
        title: "Monday",
        description: "morning",
        singleSelectReply: { selectedRowId: "mo" },
      },
    },
    { type: "list_reply", id: "mo", text: "Monday", description: "morning" },
    "Monday",
  ],
  [
    "an order",
    {
      orderMessage: {
        orderId: "7",
        itemCount: 2,
        message: "Please",
        totalAmount1000: 19_900,
        totalCurrencyCode: "EUR",
      },
    },
    { type: "order", orderId: "7", items: 2, text: "Please", total: { amount: 19.9, currency: "EUR" } },
    "Please",
  ],
  [
    "a product",
    {
      productMessage: {
        product: { productId: "9", title: "Coffee", priceAmount1000: 12_500, currencyCode: "EUR" },
      },
    },
    { type: "product", productId: "9", title: "Coffee", price: { amount: 12.5, currency: "EUR" } },
    "Coffee",
  ],
  [
    "a catalogue",
    {
      productMessage: {
        catalog: { title: "Our coffees", description: "Roasted here" },
        businessOwnerJid: "15550100001:3@s.whatsapp.net",
      },
    },
    { type: "product", productId: "", title: "Our coffees", description: "Roasted here", seller: peer },
    "Our coffees",
  ],
  [
    "a product without a title",
    { productMessage: { product: { productId: "9", description: "Coffee" } } },
    { type: "product", productId: "9", description: "Coffee" },
    "Coffee",
  ],
  [
    "an invitation",
    {
      groupInviteMessage: {
        groupJid: "1@g.us",
        groupName: "Neighbours",
        inviteCode: "Ab",
        inviteExpiration: 1_800_000_000,
      },
    },
    {
      type: "group_invite",
      group: "1@g.us",
      name: "Neighbours",
      code: "Ab",
      expiresAt: "2027-01-15T08:00:00.000Z",
    },
    "Neighbours",
  ],
  [
    "a missed call",
    { callLogMesssage: { callOutcome: proto.Message.CallLogMessage.CallOutcome.MISSED, isVideo: true } },
    { type: "call_log", outcome: "missed", isVideo: true },
    "",
  ],
  [
    "a planned call",
    {
      scheduledCallCreationMessage: {
        title: "Planning",
        scheduledTimestampMs: 1_800_000_000_000,
        callType: 2,
      },
    },
    { type: "scheduled_call", title: "Planning", start: "2027-01-15T08:00:00.000Z", isVideo: true },
    "Planning",
  ],
  [
    "an invitation to run a newsletter",
    {
      newsletterAdminInviteMessage: {
        newsletterJid: "1@newsletter",
        newsletterName: "News",
        inviteExpiration: 1_800_000_000,
      },
    },
    {
      ...{ type: "newsletter_invite", role: "admin", newsletter: "1@newsletter", name: "News" },
      expiresAt: "2027-01-15T08:00:00.000Z",
    },
    "News",
  ],
  [
    "an invitation to follow a newsletter",
    {
      newsletterFollowerInviteMessageV2: {
        newsletterJid: "1@newsletter",
        newsletterName: "News",
        caption: "Look",
      },
    },
    {
      type: "newsletter_invite",
      role: "follower",
      newsletter: "1@newsletter",
      name: "News",
      caption: "Look",
    },
    "Look",
  ],
  [
    "a pack of stickers",
    { stickerPackMessage: { name: "Cats", publisher: "Ada", stickers: [{}, {}] } },
    { type: "sticker_pack", name: "Cats", publisher: "Ada", stickers: 2 },
    "Cats",
  ],
  [
    "a payment",
    { sendPaymentMessage: { noteMessage: { extendedTextMessage: { text: "Tickets" } } } },
    { type: "payment", note: "Tickets" },
    "Tickets",
  ],
  [
    "a payment request",
    {
      requestPaymentMessage: {
        ...{ noteMessage: { conversation: "Tickets" }, amount1000: 19_900, currencyCodeIso4217: "EUR" },
        expiryTimestamp: 1_800_000_000,
      },
    },
    {
      ...{ type: "payment_request", amount: { amount: 19.9, currency: "EUR" }, note: "Tickets" },
      expiresAt: "2027-01-15T08:00:00.000Z",
    },
    "Tickets",
  ],
  [
    "a declined request",
    { declinePaymentRequestMessage: {} },
    { type: "payment_request_end", outcome: "declined" },
    "",
  ],
  [
    "a cancelled request",
    { cancelPaymentRequestMessage: {} },
    { type: "payment_request_end", outcome: "cancelled" },
    "",
  ],
  [
    "a comment",
    { commentMessage: { message: { imageMessage: file }, targetMessageKey: { id: "3EB0B" } } },
    { type: "image", ...told, caption: "look" },
    "look",
  ],
  [
    "a comment of an unknown kind",
    { commentMessage: {} },
    { type: "unsupported", kind: "commentMessage" },
    "",
  ],
  [
    "an encrypted comment",
    { encCommentMessage: { targetMessageKey: { id: "3EB0B" } } },
    { type: "unavailable", reason: "undecryptable" },
    "",
  ],
  [
    "a message that was too large",
    { placeholderMessage: { type: 1_000 as number } },
    { type: "unavailable", reason: "too_large" },
    "",
  ],
  [
    "a message that WhatsApp shows on the phone only",
    { placeholderMessage: { type: proto.Message.PlaceholderMessage.PlaceholderType.MASK_LINKED_DEVICES } },
    { type: "unavailable", reason: "withheld" },
    "",
  ],
  [
    "a message of a kind without a form",
    { invoiceMessage: { note: "" } },
    { type: "unsupported", kind: "invoiceMessage" },
    "",
  ],
];

test.each(received)("%s is told with its content", (_name, body, content, text) => {
  expect(dataOf(body)).toMatchObject({ content, message: text });
  expect(dataOf(body).content).toEqual(content);
  expect(receivedContentSchema.parse(content)).toEqual(content);
});

describe("a message that is about another one names it in replyTo", () => {
  const key = {
    remoteJid: "1203@g.us",
    fromMe: false,
    id: "3EB0B",
    participant: "15550100007:2@s.whatsapp.net",
  };
  test.each<[string, proto.IMessage]>([
    ["a comment", { commentMessage: { message: { conversation: "Hi" }, targetMessageKey: key } }],
    ["an encrypted comment", { encCommentMessage: { targetMessageKey: key } }],
    ["a payment", { sendPaymentMessage: { requestMessageKey: key } }],
    ["a declined request", { declinePaymentRequestMessage: { key } }],
    ["a cancelled request", { cancelPaymentRequestMessage: { key } }],
  ])("%s", (_name, body) => {
    expect(dataOf(body).replyTo).toEqual({ messageId: "3EB0B", sender: "15550100007@s.whatsapp.net" });
  });
});

test("every kind of content is one that comes, except those that no message says by itself", () => {
  const coming = new Set(received.map(([, , content]) => (content as { type: string }).type));
  const types = receivedKinds.map(({ schema }) => schema.shape.type.value);
  expect(types.filter((type) => !coming.has(type))).toEqual(["group_notice"]);
});

test.each([...receivedKinds])("the example of a kind fits its shape", ({ schema, example }) => {
  expect(schema.strict().parse(example)).toEqual(example);
});

const { FutureProofMessage, DeviceSentMessage } = proto.Message;
const fields = Object.keys(proto.Message.prototype).filter((field) => field !== "constructor");
const wrappers = fields.filter((field) => {
  try {
    const made = proto.Message.fromObject({ [field]: { message: { conversation: "inside" } } });
    return made[field as "ephemeralMessage"] instanceof FutureProofMessage;
  } catch {
    return false;
  }
});

describe("a wrapper is removed, by its type", () => {
  test("the protocol has wrappers", () => expect(wrappers).toContain("lottieStickerMessage"));

  test.each(wrappers)("%s", (field) => {
    const viewOnce = field.startsWith("viewOnce") ? { viewOnce: true } : {};
    const body = { [field]: { message: { imageMessage: file } }, messageContextInfo: {} };
    expect(dataOf(body).content).toEqual({ type: "image", ...told, ...viewOnce, caption: "look" });
  });

  test("that of another device, and several", () => {
    const inside = {
      ephemeralMessage: { message: { viewOnceMessage: { message: { imageMessage: file } } } },
    };
    const body = { deviceSentMessage: { destinationJid: peer, message: inside } };
    expect(dataOf(body).content).toMatchObject({ type: "image", viewOnce: true });
  });

  test("however deep", () => {
    let nested: proto.IMessage = { conversation: "deep" };
    for (let depth = 0; depth < 3_000; depth++)
      nested = proto.Message.create({ ephemeralMessage: FutureProofMessage.create({ message: nested }) });
    nested = { deviceSentMessage: DeviceSentMessage.create({ message: nested }) };
    const one = { ...message({}), message: nested };
    expect(fromWhatsApp(one, account)?.data).toMatchObject({ message: "deep" });
  });
});

const key = { remoteJid: peer, fromMe: true, id: "3EB0B", participant: peer };
const editing = { type: 14, key, editedMessage: { conversation: "Hi" } };
const parent = {
  messageAssociation: { associationType: 1, parentMessageKey: key },
  messageAddOnDurationInSecs: 9,
};
const changes: proto.IMessage[] = [
  { protocolMessage: editing },
  { protocolMessage: { type: 0, key } },
  { reactionMessage: { key, text: "👍" } },
  { encReactionMessage: { targetMessageKey: key } },
  { pollUpdateMessage: { pollCreationMessageKey: key } },
  { encEventResponseMessage: { eventCreationMessageKey: key } },
  { secretEncryptedMessage: { targetMessageKey: key, secretEncType: 2 } },
  { pinInChatMessage: { key, type: 1 }, messageContextInfo: parent },
  { keepInChatMessage: { key, keepType: 1 } },
  { associatedChildMessage: { message: { imageMessage: file } }, messageContextInfo: parent },
];
const bodies = [...received.map(([, body]) => body), ...changes].map((body) =>
  Buffer.from(proto.Message.encode(body).finish()),
);

/** Bytes of messages that come, damaged: what the protocol can still read may hold anything. */
const damaged = fc
  .tuple(
    fc.constantFrom(...bodies),
    fc.constantFrom(...bodies),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  )
  .map(([first, second, changes]) => {
    const bytes = Buffer.concat([first, second]);
    for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  });

test("no message that the protocol can read is refused, and all that is told of it fits the shapes", () => {
  let told = 0;
  const property = fc.property(damaged, (bytes) => {
    let body: proto.Message;
    try {
      body = proto.Message.decode(bytes);
    } catch {
      return;
    }
    const seen = fromWhatsApp({ ...message({}), message: body }, account);
    if (!seen) return;
    told++;
    messageEvents[seen.type].schema.strict().parse(seen.data);
  });
  fc.assert(property, { numRuns: 5_000 });
  expect(told).toBeGreaterThan(1_000);
});

describe("a wrapper around nothing that callers see is told by its name", () => {
  const { STATUS_MENTION_MESSAGE, EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;
  const mention = { protocolMessage: { type: STATUS_MENTION_MESSAGE } };
  const timer = { protocolMessage: { type: EPHEMERAL_SETTING, ephemeralExpiration: 86_400 } };
  test.each<[string, proto.IMessage]>([
    ["statusMentionMessage", { statusMentionMessage: { message: mention } }],
    ["groupStatusMessageV2", { groupStatusMessageV2: { message: {} } }],
    ["botTaskMessage", { ephemeralMessage: { message: { botTaskMessage: { message: {} } } } }],
    ["viewOnceMessage", { viewOnceMessage: {} }],
  ])("%s", (kind, body) => {
    expect(dataOf(body).content).toEqual({ type: "unsupported", kind });
  });

  test("but a new timer, which is always wrapped, says nothing", () => {
    expect(convert({ ephemeralMessage: { message: timer } })).toBeNull();
    expect(convert({ deviceSentMessage: { destinationJid: peer, message: timer } })).toBeNull();
  });
});

test("a message says nothing when it holds bookkeeping alone", () => {
  expect(convert({ protocolMessage: { type: 5 }, messageContextInfo: {} })).toBeNull();
  expect(convert({ senderKeyDistributionMessage: { groupId: "1@g.us" } })).toBeNull();
  expect(convert({})).toBeNull();
});

test("a message to view once comes without content, and is told as unavailable", () => {
  const stub: WAMessage = { key: { ...message({}).key, isViewOnce: true }, messageTimestamp: 1_700_000_000 };
  expect(fromWhatsApp(stub, account)).toMatchObject({
    type: "incoming_message",
    data: { from: peer, message: "", content: { type: "unavailable", reason: "view_once" } },
  });
  expect(fromWhatsApp({ ...stub, key: { ...stub.key, fromMe: true } }, account)).toMatchObject({
    type: "outgoing_message",
  });
});
