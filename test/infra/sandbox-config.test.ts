import { randomBytes } from "node:crypto";
import { getCACertificates } from "node:tls";
import { expect, test } from "vitest";
import { createAuthority } from "#infra/sandbox/media/certificate.ts";
import { withSandbox } from "#infra/sandbox-config.ts";
import { readConfig } from "#shared/config.ts";

const sandbox = async () => ({
  websocketUrl: "ws://127.0.0.1:4000/ws/chat",
  rootKey: randomBytes(32).toString("hex"),
  mediaCa: (await createAuthority("Test")).certificate,
  adminUrl: "http://127.0.0.1:4000",
});

test("withSandbox points the configuration at the sandbox and changes nothing else", async () => {
  const elsewhere = { WHATSAPP_WEBSOCKET_URL: "ws://127.0.0.1:1/", WHATSAPP_ROOT_KEY: "0a".repeat(32) };
  const config = readConfig({ ...elsewhere, WHATSAPP_VERSION: "2.3000.1043857760" }, "embedded");
  const given = await sandbox();
  const { websocketUrl, rootKey } = given;
  expect(withSandbox(config, given)).toEqual({
    ...config,
    mediaAllowHosts: ["127.0.0.1:4000"],
    whatsapp: {
      server: { websocketUrl, rootKey: Buffer.from(rootKey, "hex") },
      version: [2, 3000, 1043857760],
    },
  });
});

test("withSandbox adds the sandbox's media host to the certificates that this process trusts", async () => {
  const before = getCACertificates("default");
  const one = await sandbox();
  withSandbox(readConfig({}, "embedded"), one);
  const after = getCACertificates("default");
  expect(before).not.toContain(one.mediaCa.trim());
  expect(after.map((one) => one.trim())).toEqual(
    expect.arrayContaining([...before.map((one) => one.trim()), one.mediaCa.trim()]),
  );
});
