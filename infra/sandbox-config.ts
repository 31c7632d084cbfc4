import type { Config } from "../shared/config.ts";
import { trustCertificate } from "./sandbox/certificate.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";

/** Points a configuration at the sandbox, and makes this process trust its media host. */
export function withSandbox<T extends Config>(
  config: T,
  sandbox: Pick<Sandbox, "websocketUrl" | "rootKey" | "mediaCa">,
): T {
  trustCertificate(sandbox.mediaCa);
  const rootKey = Buffer.from(sandbox.rootKey, "hex");
  return {
    ...config,
    whatsapp: { ...config.whatsapp, server: { websocketUrl: sandbox.websocketUrl, rootKey } },
  };
}
