import { type Box, bytesOfBox, container, fullBox, sizeOfBox, uint32, uint64 } from './box.js';

/** A place where a track can be begun: a segment whose first sample of the track is a key frame. */
export interface RandomAccessPoint {
	readonly trackId: number;
	/** Presentation time in the track's timescale. */
	readonly ticks: number;
	/** Of the `moof`, in bytes from the start of the file. */
	readonly moofPosition: number;
	readonly trafNumber: number;
}

const MFRO_BYTES = 16;

/** The table by which players seek: an `mfra` for the end of a file (ISO 14496-12 §8.8.9). Points in the order of the file. */
export function randomAccessTable(points: readonly RandomAccessPoint[]): Uint8Array {
	const trackIds = [...new Set(points.map(({ trackId }) => trackId))].sort((a, b) => a - b);
	const tables = trackIds.map((trackId) => trackTable(trackId, points));
	const sizeBytes = sizeOfBox(container('mfra', tables)) + MFRO_BYTES;
	return bytesOfBox(container('mfra', [...tables, fullBox('mfro', 0, 0, [uint32(sizeBytes)])]));
}

function trackTable(trackId: number, points: readonly RandomAccessPoint[]): Box {
	const entries = points.filter((point) => point.trackId === trackId);
	return fullBox('tfra', 1, 0, [
		// Numbers of one byte each for traf, trun and sample.
		uint32(trackId, 0, entries.length),
		...entries.flatMap(({ ticks, moofPosition, trafNumber }) => [
			uint64(ticks),
			uint64(moofPosition),
			Buffer.of(trafNumber, 1, 1),
		]),
	]);
}
