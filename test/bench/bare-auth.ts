import { readFileSync, writeFileSync } from "node:fs";
import {
  type AuthenticationState,
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalKeyStore,
} from "@whiskeysockets/baileys";

/** The state of one device: in memory, as Baileys itself left it. */
export interface BareAuth {
  state: AuthenticationState;
  rows: Map<string, unknown>;
}

/** `keep` resolves when the rows may count as stored. */
export function bareAuth(
  keep?: (data: SignalDataSet) => Promise<void>,
  creds = initAuthCreds(),
  rows = new Map<string, unknown>(),
): BareAuth {
  const keys: SignalKeyStore = {
    get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
      const found: Record<string, SignalDataTypeMap[T]> = {};
      for (const id of ids) {
        const row = rows.get(`${type}/${id}`) as SignalDataTypeMap[T] | undefined;
        if (row !== undefined) found[id] = row;
      }
      return found;
    },
    async set(data) {
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values ?? {})) {
          if (value === null) rows.delete(`${type}/${id}`);
          else rows.set(`${type}/${id}`, value);
        }
      }
      await keep?.(data);
    },
  };
  return { state: { creds, keys }, rows };
}

type Dumped = { creds: AuthenticationState["creds"]; rows: [string, unknown][] };

/** Writes down what a program needs to come back after a kill. */
export function dumpAuth(path: string, devices: ReadonlyMap<string, BareAuth>): void {
  const all = [...devices].map(([name, { state, rows }]): [string, Dumped] => [
    name,
    { creds: state.creds, rows: [...rows] },
  ]);
  writeFileSync(path, JSON.stringify(all, BufferJSON.replacer));
}

/** Reads what `dumpAuth` wrote; empty when it has not. */
export function readAuth(path: string, keep?: (data: SignalDataSet) => Promise<void>): Map<string, BareAuth> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return new Map();
  }
  const all = JSON.parse(text, BufferJSON.reviver) as [string, Dumped][];
  return new Map(
    all.map(([name, { creds, rows }]) => [name, bareAuth(keep, creds, new Map(rows.map(revived)))]),
  );
}

/** Baileys reads this kind of row as a message of its protocol, which JSON does not keep. */
const revived = ([name, row]: [string, unknown]): [string, unknown] =>
  name.startsWith("app-state-sync-key/")
    ? [name, proto.Message.AppStateSyncKeyData.fromObject(row as object)]
    : [name, row];
