import { codedDurationMs } from '../codecs/coded-duration.js';
import { idOf } from '../ebml/ebml-schema.js';
import { type Element, readSignedNumber } from '../ebml/element-body.js';
import type { Track } from '../model/track.js';

const DISCARD_PADDING = idOf('DiscardPadding');

/** What a BlockGroup says of the end of its last frame that is not played (RFC 9559 §5.1.3.5.7), in nanoseconds; 0: nothing. */
export function discardPaddingNs(others: readonly Element[]): number {
	const padding = others.find(({ id }) => id === DISCARD_PADDING);
	return padding === undefined ? 0 : readSignedNumber(padding);
}

/** The same, to be written. */
export function discardPadding(paddingNs: number): Pick<Element, 'id' | 'body'> {
	const body = new DataView(new ArrayBuffer(8));
	body.setBigInt64(0, BigInt(Math.round(paddingNs)));
	return { id: DISCARD_PADDING, body: new Uint8Array(body.buffer) };
}

/** What is left of a frame of Opus to be played, in milliseconds; null for other codecs, and where nothing is left. */
export function playedMs(track: Track, frame: Uint8Array, paddingNs: number): number | null {
	const codedMs = track.codec === 'opus' ? codedDurationMs(track, frame) : null;
	const leftMs = codedMs === null ? 0 : codedMs - Math.abs(paddingNs) / 1e6;
	return leftMs > 0 ? leftMs : null;
}
