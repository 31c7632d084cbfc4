import { type FileHandle, open } from "node:fs/promises";

/** A part of a file. In a file of boxes, what is inside one of them. */
export interface Range {
  start: number;
  end: number;
}

/** A labelled range, as MP4 (boxes) and Matroska (elements) are made of; boxes lie in boxes. */
export interface Box extends Range {
  type: string;
}

/** Reads a box's header, which is at the beginning of `bytes`; `start` and `end` then count from there. Null if it is none. */
export type ReadHeader = (bytes: Buffer) => Box | null;

/** Enough for every file that is worth reading: what describes the tracks comes before, or after, few others. */
const boxesMax = 1_000;
const headerBytesMax = 16;

/** A file whose boxes can be looked for. Reads headers only, and at most 1,000 of them, whatever the file contains. */
export class BoxFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #readHeader: ReadHeader;
  #boxesLeft = boxesMax;

  private constructor(file: FileHandle, readHeader: ReadHeader) {
    this.#file = file;
    this.#readHeader = readHeader;
  }

  static async open(path: string, readHeader: ReadHeader): Promise<BoxFile> {
    return new BoxFile(await open(path), readHeader);
  }

  /** Finds every box at a path of types: all `trak` in all `moov`, say. */
  async *find(path: readonly string[], range?: Range): AsyncGenerator<Box> {
    const [type, ...rest] = path;
    for await (const box of this.#boxes(range ?? { start: 0, end: (await this.#file.stat()).size })) {
      if (box.type !== type) continue;
      if (rest.length === 0) yield box;
      else yield* this.find(rest, box);
    }
  }

  /** At most `bytesMax` of what a box holds. */
  async read({ start, end }: Range, bytesMax: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, Math.min(bytesMax, end - start)));
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, start);
    return bytes.subarray(0, bytesRead);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }

  /** Ends at what is no header, and where a box would not end behind its beginning. */
  async *#boxes({ start, end }: Range): AsyncGenerator<Box> {
    for (let at = start; at < end; ) {
      if (this.#boxesLeft-- <= 0) return;
      const box = this.#readHeader(await this.read({ start: at, end }, headerBytesMax));
      if (!box) return;
      const next = at + box.end;
      if (next <= at) return;
      yield { type: box.type, start: at + box.start, end: Math.min(next, end) };
      at = next;
    }
  }
}
