import { sizeOf } from '../model/bytes.js';

/** One PES packet, to be cut into transport packets. */
export interface PesPacket {
	readonly pid: number;
	/** Header and payload, as slices. */
	readonly slices: readonly Uint8Array[];
	readonly sizeBytes: number;
	/** Decode time in ticks of 90 kHz, not wrapped. */
	readonly decodeTicks: number;
	/** Whether decoding can begin with it. */
	readonly isRandomAccess: boolean;
}

/** Times of transport streams have 33 bits. */
const TICKS_RANGE = 2 ** 33;

/** Stream ids of the first video and the first audio stream (ISO 13818-1 table 2-22). */
export const STREAM_IDS = { video: 0xe0, audio: 0xc0 } as const;

/** A PES packet of whole access units, with the times of the first (ISO 13818-1 §2.4.3.6). */
export function pesPacket(
	{ pid, streamId, isRandomAccess }: { pid: number; streamId: number; isRandomAccess: boolean },
	{ decodeTicks, shownTicks }: { decodeTicks: number; shownTicks: number },
	payload: readonly Uint8Array[],
): PesPacket {
	const payloadBytes = sizeOf(payload);
	const hasDecodeTime = decodeTicks !== shownTicks;
	const times = hasDecodeTime
		? [...timeField(3, shownTicks), ...timeField(1, decodeTicks)]
		: timeField(2, shownTicks);
	const length = 3 + times.length + payloadBytes;
	// Only video may leave its length open, and must where it has no room (§2.4.3.7).
	const written = streamId === STREAM_IDS.video || length > 0xffff ? 0 : length;
	// Data are aligned: the payload begins with an access unit.
	const flags = [0x84, hasDecodeTime ? 0xc0 : 0x80];
	const header = Uint8Array.of(
		0,
		0,
		1,
		streamId,
		written >> 8,
		written & 0xff,
		...flags,
		times.length,
		...times,
	);
	const slices = [header, ...payload];
	return { pid, slices, sizeBytes: header.byteLength + payloadBytes, decodeTicks, isRandomAccess };
}

/** A time as it stands in the 33 bits of a header, which wraps after 26.5 hours. */
export function wrapTicks(ticks: number): number {
	return ((ticks % TICKS_RANGE) + TICKS_RANGE) % TICKS_RANGE;
}

/** Five bytes: a prefix of four bits and 3, 15 and 15 bits of time, each followed by a marker bit. */
function timeField(prefix: number, ticks: number): number[] {
	const time = wrapTicks(ticks);
	const high = Math.floor(time / 2 ** 30);
	const middle = Math.floor(time / 2 ** 15) % 2 ** 15;
	const low = time % 2 ** 15;
	return [
		(prefix << 4) | (high << 1) | 1,
		middle >> 7,
		((middle & 0x7f) << 1) | 1,
		low >> 7,
		((low & 0x7f) << 1) | 1,
	];
}
