import { Hono } from "hono";
import { toBuffer } from "qrcode";

/** `GET /sample.png`: a picture for sending media by URL. */
export function samplePictureRoutes(): Hono {
  const routes = new Hono();
  routes.get("/sample.png", async (c) => {
    const picture = await toBuffer("A sample picture of the sandbox.", { width: 320 });
    return c.body(new Uint8Array(picture), 200, { "Content-Type": "image/png" });
  });
  return routes;
}
