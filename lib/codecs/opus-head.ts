/** Bytes of an OpusHead of channel mapping family 0 (RFC 7845 §5.1). */
export const OPUS_HEAD_BYTES = 19;

/** Samples a second that a pre-skip is counted in, whatever was recorded (RFC 7845 §4.2). */
const OPUS_RATE_HZ = 48_000;

/** Channels that a head has room for without a table of its own. */
const MAX_FAMILY_0_CHANNELS = 2;

const PRE_SKIP_AT = 10;

/** A head of one or two channels, for producers that send none; null for more, whose order nothing says. `delayNs` is left out at the start. */
export function opusHead(channels: number, sampleRate: number, delayNs: number): Uint8Array | null {
	if (channels > MAX_FAMILY_0_CHANNELS) return null;
	const head = Buffer.alloc(OPUS_HEAD_BYTES);
	head.write('OpusHead', 'latin1');
	head.writeUInt8(1, 8);
	head.writeUInt8(channels, 9);
	head.writeUInt16LE(Math.min(0xffff, Math.round((delayNs * OPUS_RATE_HZ) / 1e9)), PRE_SKIP_AT);
	head.writeUInt32LE(sampleRate, 12);
	return head;
}

/** The pre-skip of a head: samples of 48 kHz that are decoded and not played (RFC 7845 §4.2). 0 where it is too short to have one. */
export function preSkipOf(head: Uint8Array): number {
	if (head.byteLength < PRE_SKIP_AT + 2) return 0;
	return (head[PRE_SKIP_AT] as number) | ((head[PRE_SKIP_AT + 1] as number) << 8);
}
