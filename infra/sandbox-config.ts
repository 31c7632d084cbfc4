import type { Config } from "#shared/config.ts";
import { trustCertificate } from "./sandbox/media/certificate.ts";
import type { Sandbox } from "./sandbox/sandbox-api.ts";

/** Points a configuration at the sandbox, trusts its media host in this process, and allows its sample picture. */
export function withSandbox<T extends Config>(
  config: T,
  sandbox: Pick<Sandbox, "websocketUrl" | "rootKey" | "mediaCa" | "adminUrl">,
): T {
  trustCertificate(sandbox.mediaCa);
  const rootKey = Buffer.from(sandbox.rootKey, "hex");
  const mediaAllowHosts = [...config.mediaAllowHosts, new URL(sandbox.adminUrl).host];
  return {
    ...config,
    mediaAllowHosts,
    whatsapp: { ...config.whatsapp, server: { websocketUrl: sandbox.websocketUrl, rootKey } },
  };
}
