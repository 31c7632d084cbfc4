import { proto } from "../../baileys/baileys.ts";
import { cut } from "./fields.ts";

const { AssociationType } = proto.MessageAssociation;

/** How a message belongs to an earlier one of its author, whose id the field has. */
export interface Association {
  /** The album that it is in. */
  album?: string;
  /** The same picture or video in another form. */
  versionOf?: string;
  /** The event or poll whose picture it is. */
  illustrates?: string;
}

const fields: { [type: number]: keyof Association } = {
  [AssociationType.MEDIA_ALBUM]: "album",
  [AssociationType.HD_IMAGE_DUAL_UPLOAD]: "versionOf",
  [AssociationType.HD_VIDEO_DUAL_UPLOAD]: "versionOf",
  [AssociationType.HEVC_VIDEO_DUAL_UPLOAD]: "versionOf",
  [AssociationType.MOTION_PHOTO]: "versionOf",
  [AssociationType.EVENT_COVER_IMAGE]: "illustrates",
  [AssociationType.MEDIA_POLL]: "illustrates",
};

export function associationOf({ messageAssociation }: proto.IMessageContextInfo): Association {
  const { associationType, parentMessageKey } = messageAssociation ?? {};
  const field = fields[associationType ?? AssociationType.UNKNOWN];
  return field && parentMessageKey?.id ? { [field]: cut.id(parentMessageKey.id) } : {};
}
