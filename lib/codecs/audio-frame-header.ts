/*
 * Audio whose frames say themselves how long they last: MPEG audio (ISO 11172-3 §2.4.2.3) and AC-3 with E-AC-3 (ETSI TS
 * 102 366 §4.4.1, §E.1.3.1).
 */

/** Hz by MPEG version bits (0: 2.5, 2: 2, 3: 1) and sampling_frequency. */
const MPEG_RATES_HZ = [[11025, 12000, 8000], null, [22050, 24000, 16000], [44100, 48000, 32000]];
const MPEG_1 = 3;

/** Layer bits: 3 is layer I. */
const LAYER_I = 3;
const LAYER_II = 2;

/** How long a frame of MPEG audio of any layer lasts, in milliseconds; null for what is not one. */
export function mpegAudioFrameMs(data: Uint8Array): number | null {
	const [first = 0, second = 0, third = 0] = data;
	if (first !== 0xff || (second & 0xe0) !== 0xe0) return null;
	const version = (second >> 3) & 3;
	const layer = (second >> 1) & 3;
	const rate = MPEG_RATES_HZ[version]?.[(third >> 2) & 3];
	if (rate === undefined || layer === 0) return null;
	const samples = layer === LAYER_I ? 384 : layer === LAYER_II || version === MPEG_1 ? 1152 : 576;
	return (samples * 1000) / rate;
}

const DOLBY_RATES_HZ = [48000, 44100, 32000];
const BLOCK_SAMPLES = 256;
const BLOCKS = [1, 2, 3, 6];
const REDUCED_RATE = 3;
const DEPENDENT = 1;

/**
 * How long the syncframes of AC-3 or E-AC-3 in one frame of a container last, in milliseconds: those of the first
 * independent substream, one after the other. Null where it does not begin with one.
 */
export function dolbyFrameMs(data: Uint8Array): number | null {
	let totalMs = 0;
	for (let at = 0; at + 6 <= data.byteLength && data[at] === 0x0b && data[at + 1] === 0x77; ) {
		const fourth = data[at + 4] as number;
		const bitStreamId = (data[at + 5] as number) >> 3;
		const rateCode = fourth >> 6;
		if (bitStreamId <= 10) {
			const rate = DOLBY_RATES_HZ[rateCode];
			// Streams of 9 and 10 run at a half and a quarter of the rate. One syncframe is all there is.
			return rate === undefined
				? null
				: (6 * BLOCK_SAMPLES * 1000 * 2 ** Math.max(0, bitStreamId - 8)) / rate;
		}
		const second = data[at + 2] as number;
		const blocksCode = (fourth >> 4) & 3;
		const isReduced = rateCode === REDUCED_RATE;
		const rate = isReduced ? (DOLBY_RATES_HZ[blocksCode] ?? 0) / 2 : (DOLBY_RATES_HZ[rateCode] as number);
		if (rate === 0) return null;
		const blocks = isReduced ? 6 : (BLOCKS[blocksCode] as number);
		const isFirstProgramme = second >> 6 !== DEPENDENT && ((second >> 3) & 7) === 0;
		if (isFirstProgramme) totalMs += (blocks * BLOCK_SAMPLES * 1000) / rate;
		at += 2 * ((((second & 7) << 8) | (data[at + 3] as number)) + 1);
	}
	return totalMs > 0 ? totalMs : null;
}
