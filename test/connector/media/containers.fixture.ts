/** Containers without content, but with the parts that describe their tracks. */

/** An MP4 box: its size, its type, what it holds. */
export function box(type: string, ...contents: Uint8Array[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + Buffer.concat(contents).length);
  header.write(type, 4, "latin1");
  return Buffer.concat([header, ...contents]);
}

export function ftyp(brand: string): Buffer {
  return box("ftyp", Buffer.from(`${brand}\0\0\0\0${brand}`, "latin1"));
}

/** A track with this handler: `vide`, `soun`, `text` … */
export function trak(handler: string): Buffer {
  const hdlr = box("hdlr", Buffer.alloc(8), Buffer.from(handler, "latin1"), Buffer.alloc(13));
  return box("trak", box("tkhd", Buffer.alloc(84)), box("mdia", box("mdhd", Buffer.alloc(24)), hdlr));
}

export function mp4(brand: string, ...handlers: string[]): Buffer {
  const moov = box("moov", box("mvhd", Buffer.alloc(100)), ...handlers.map(trak));
  return Buffer.concat([ftyp(brand), box("free"), box("mdat", Buffer.alloc(200)), moov]);
}

/** A Matroska element: its id, its size in 8 bytes, what it holds. */
export function element(id: string, ...contents: Uint8Array[]): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(Buffer.concat(contents).length) | (1n << 56n));
  return Buffer.concat([Buffer.from(id, "hex"), size, ...contents]);
}

/** `docType` is `webm` or `matroska`; a track is of type 1 for video, 2 for sound, 17 for subtitles. */
export function matroska(docType: string, ...trackTypes: number[]): Buffer {
  const entries = trackTypes.map((type) =>
    element("ae", element("d7", Buffer.from([1])), element("83", Buffer.from([type]))),
  );
  const segment = Buffer.concat([
    element("1549a966", Buffer.alloc(30)),
    element("1654ae6b", ...entries),
    element("1f43b675", Buffer.alloc(100)),
  ]);
  // The size of a live recording's segment is unknown: all ones.
  return Buffer.concat([
    element("1a45dfa3", element("4282", Buffer.from(docType))),
    Buffer.from("1853806701ffffffffffffff", "hex"),
    segment,
  ]);
}

/** An Ogg page with one packet. */
export function page(packet: string, isFirst = true): Buffer {
  const header = Buffer.alloc(28);
  header.write("OggS", 0, "latin1");
  header[5] = isFirst ? 2 : 0;
  header[26] = 1;
  header[27] = packet.length;
  return Buffer.concat([header, Buffer.from(packet, "latin1")]);
}

/** An Ogg file with a stream for each first packet. */
export function ogg(...packets: string[]): Buffer {
  const padded = packets.map((packet) => packet.padEnd(40, "\0"));
  return Buffer.concat([...padded.map((packet) => page(packet)), page("content".repeat(20), false)]);
}
