// cspell:ignore DYLD PATHEXT PROGRAMDATA SYSTEMDRIVE SYSTEMROOT WINDIR

/** The variables that every program may need: where programs and libraries are, where it may write, how it prints. */
const common = [
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "LANGUAGE",
  "LC_*",
  "TZ",
  "TMPDIR",
  "LD_LIBRARY_PATH",
  "DYLD_*",
  // Windows: without these, many programs do not even start.
  "SYSTEMROOT",
  "SYSTEMDRIVE",
  "WINDIR",
  "COMSPEC",
  "PATHEXT",
  "TEMP",
  "TMP",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "PROGRAMDATA",
];

/** The variables that a download needs as well: proxies, which may hold a password, and certificate authorities. */
const network = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
];

/** The variables that each kind of child process gets; `*` stands for the rest of a name. */
const needed = {
  program: common,
  /** mongodb-memory-server, which also takes npm's proxy. */
  download: [
    ...common,
    ...network,
    "MONGOMS_*",
    "NPM_CONFIG_PROXY",
    "NPM_CONFIG_HTTPS-PROXY",
    "NPM_CONFIG_HTTPS_PROXY",
  ],
  /** pip, from any Python. */
  pip: [...common, ...network, "PIP_*", "PYTHON*", "VIRTUAL_ENV", "XDG_*"],
} as const;

/**
 * Returns the part of an environment that a child process needs, so that keys and passwords which this process was given
 * stay with it.
 */
export function childEnvironment(env: NodeJS.ProcessEnv, kind: keyof typeof needed): NodeJS.ProcessEnv {
  const isNeeded = (name: string) =>
    needed[kind].some((known) =>
      known.endsWith("*") ? name.startsWith(known.slice(0, -1)) : name === known,
    );
  return Object.fromEntries(Object.entries(env).filter(([name]) => isNeeded(name.toUpperCase())));
}
