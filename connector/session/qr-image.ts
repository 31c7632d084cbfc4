import { toDataURL } from "qrcode";

/** Draws a QR code: a PNG of 360 × 360 pixels as a data URL. */
export function qrImage(text: string): Promise<string> {
  return toDataURL(text, { errorCorrectionLevel: "L", margin: 2, width: 360 });
}
