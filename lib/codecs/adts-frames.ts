/** Bytes of a header without a checksum, and of the checksum (ISO 14496-3 §1.A.2.2). */
const HEADER_BYTES = 7;
const CHECKSUM_BYTES = 2;

/** What the header of an ADTS frame says (ISO 14496-3 §1.A.2.2). */
interface AdtsHeader {
	/** Audio object type: 1 Main, 2 LC, 3 SSR, 4 LTP. */
	readonly objectType: number;
	/** samplingFrequencyIndex and channelConfiguration, as an AudioSpecificConfig has them. */
	readonly rateIndex: number;
	readonly channels: number;
	/** Header included. May be more than there is. */
	readonly frameBytes: number;
	readonly hasChecksum: boolean;
	readonly rawBlocks: number;
}

/** The ADTS header at a place; null where there is none. */
function headerAt(bytes: Uint8Array, at: number): AdtsHeader | null {
	if (bytes[at] !== 0xff || at + HEADER_BYTES > bytes.byteLength) return null;
	const byte = (offset: number): number => bytes[at + offset] as number;
	// The syncword, and a layer that is always 0.
	if ((byte(1) & 0xf6) !== 0xf0) return null;
	const frameBytes = ((byte(3) & 3) << 11) | (byte(4) << 3) | (byte(5) >> 5);
	const hasChecksum = (byte(1) & 1) === 0;
	const leastBytes = HEADER_BYTES + (hasChecksum ? CHECKSUM_BYTES : 0);
	const rateIndex = (byte(2) >> 2) & 0xf;
	if (frameBytes < leastBytes || rateIndex > 12) return null;
	return {
		objectType: (byte(2) >> 6) + 1,
		rateIndex,
		channels: ((byte(2) & 1) << 2) | (byte(3) >> 6),
		frameBytes,
		hasChecksum,
		rawBlocks: (byte(6) & 3) + 1,
	};
}

/**
 * The raw_data_blocks of a frame of AAC that has ADTS headers, without these: views. Several where it holds several ADTS frames,
 * or one of several blocks with their positions (a frame with checksums; without them the blocks stay together). Null where it
 * does not begin with such a header, or something else follows the frame that it begins.
 */
export function rawBlocksOfAdts(bytes: Uint8Array): Uint8Array[] | null {
	if (bytes[0] !== 0xff) return null;
	const blocks: Uint8Array[] = [];
	for (let at = 0; at < bytes.byteLength; ) {
		const header = headerAt(bytes, at);
		if (header === null) return at > 0 && bytes.subarray(at).every((byte) => byte === 0) ? blocks : null;
		blocks.push(...blocksOf(bytes.subarray(at, at + header.frameBytes), header));
		at += header.frameBytes;
	}
	return blocks;
}

/** The AudioSpecificConfig that the ADTS header at the start of a frame stands for (ISO 14496-3 §1.6.2.1); null where there is none. */
export function audioSpecificConfigOfAdts(bytes: Uint8Array): Uint8Array | null {
	const header = headerAt(bytes, 0);
	// Nothing else says that this is AAC: whole frames are asked for.
	if (header === null || header.frameBytes > bytes.byteLength) return null;
	// Of channels that are described within the frame, an AudioSpecificConfig would have to hold the description.
	if (header.channels === 0) return null;
	const { objectType, rateIndex, channels } = header;
	return Uint8Array.of((objectType << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channels << 3));
}

function blocksOf(frame: Uint8Array, { hasChecksum, rawBlocks }: AdtsHeader): Uint8Array[] {
	if (!hasChecksum || rawBlocks === 1) {
		const block = frame.subarray(HEADER_BYTES + (hasChecksum ? CHECKSUM_BYTES : 0));
		return block.byteLength === 0 ? [] : [block];
	}
	// The positions of all blocks but the first, from the start of the first on, and a checksum after each (§1.A.2.2.2).
	const start = HEADER_BYTES + 2 * (rawBlocks - 1) + CHECKSUM_BYTES;
	const positions = [0];
	for (let index = 0; index < rawBlocks - 1; index++) {
		const at = HEADER_BYTES + 2 * index;
		positions.push(((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0));
	}
	return positions.flatMap((position, index) => {
		const end = positions[index + 1] ?? frame.byteLength - start;
		const block = frame.subarray(start + position, start + end - CHECKSUM_BYTES);
		return end - CHECKSUM_BYTES > position && block.byteLength > 0 ? [block] : [];
	});
}
