import { expect, test } from "vitest";
import { childEnvironment } from "#shared/child-environment.ts";
import { settings } from "#shared/settings.ts";

const kinds = ["program", "download", "pip"] as const;

test.each(kinds)("a child of kind %s gets no setting of ours and no password of others", (kind) => {
  const secrets = ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "NPM_TOKEN", "NPM_CONFIG__AUTH", "NODE_OPTIONS"];
  const env = Object.fromEntries([...Object.keys(settings), ...secrets].map((name) => [name, "secret"]));
  expect(childEnvironment({ ...env, PATH: "/bin" }, kind)).toEqual({ PATH: "/bin" });
});

test("a child gets what it needs to run, to reach the network, and its own settings", () => {
  const common = { PATH: "/bin", HOME: "/root", LC_ALL: "C", TMPDIR: "/tmp/x" };
  const proxies = { https_proxy: "http://proxy", NO_PROXY: "localhost", NODE_EXTRA_CA_CERTS: "ca.pem" };
  const download = { MONGOMS_DOWNLOAD_MIRROR: "https://mirror", "npm_config_https-proxy": "http://proxy" };
  const pip = { PIP_INDEX_URL: "https://index", VIRTUAL_ENV: "/virtual" };
  const env = { ...common, ...proxies, ...download, ...pip };
  expect(childEnvironment(env, "program")).toEqual(common);
  expect(childEnvironment(env, "download")).toEqual({ ...common, ...proxies, ...download });
  expect(childEnvironment(env, "pip")).toEqual({ ...common, ...proxies, ...pip });
});
