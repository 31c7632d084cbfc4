import { describe, expect, test } from "vitest";
import { proto } from "#connector/baileys/baileys.ts";
import { messageEvents } from "#shared/message-events.ts";
import { convert, dataOf, peer } from "./received-messages.fixture.ts";

const { AssociationType } = proto.MessageAssociation;
const picture = { imageMessage: { mimetype: "image/jpeg" } };
const parentMessageKey = { remoteJid: peer, fromMe: true, id: "3EB0PARENT" };
const beside = (associationType: number) => ({
  messageContextInfo: { messageAssociation: { associationType, parentMessageKey } },
});

describe("a message that belongs to an earlier one names it", () => {
  const { MEDIA_ALBUM, HD_IMAGE_DUAL_UPLOAD, EVENT_COVER_IMAGE } = AssociationType;
  test.each<[string, proto.IMessage, object]>([
    ["in an album", { ...picture, ...beside(MEDIA_ALBUM) }, { album: "3EB0PARENT" }],
    [
      "in HD",
      { associatedChildMessage: { message: { ...picture, ...beside(HD_IMAGE_DUAL_UPLOAD) } } },
      { versionOf: "3EB0PARENT" },
    ],
    [
      "in HD, beside the wrapper",
      { associatedChildMessage: { message: picture }, ...beside(HD_IMAGE_DUAL_UPLOAD) },
      { versionOf: "3EB0PARENT" },
    ],
    [
      "of an event",
      { eventCoverImage: { message: picture }, ...beside(EVENT_COVER_IMAGE) },
      { illustrates: "3EB0PARENT" },
    ],
  ])("a picture %s", (_name, body, association) => {
    const data = dataOf(body);
    expect(data).toMatchObject({ content: { type: "image" }, ...association });
    expect(messageEvents.incoming_message.schema.strict().parse(data)).toEqual(data);
  });

  test("one that belongs to none names none", () => {
    for (const body of [picture, { ...picture, ...beside(AssociationType.UNKNOWN) }]) {
      for (const name of ["album", "versionOf", "illustrates"])
        expect(convert(body)?.data).not.toHaveProperty(name);
    }
  });
});
