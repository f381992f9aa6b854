import type { Track } from '../model/track.js';
import { framesOfBlock } from './block-frames.js';
import { LACING_MASK, laceFrames, XIPH_LACING } from './lacing.js';
import type { MatroskaHandler } from './parser/matroska-handler.js';

/**
 * Passes everything that a parser reports on to another handler, blocks of tracks that have ContentEncodings without them:
 * for programs that copy blocks under a TrackEntry ({@link Track.entry}) that has none. A laced block stays one.
 */
export function decodedBlocks(tracks: readonly Track[], handler: MatroskaHandler): MatroskaHandler {
	const encoded = new Map(
		tracks.filter((track) => track.undoEncodings !== null).map((track) => [track.number, track]),
	);
	if (encoded.size === 0) return handler;
	return {
		get isFull() {
			return handler.isFull === true;
		},
		documentStart: (offset) => handler.documentStart(offset),
		documentEnd: (offset) => handler.documentEnd(offset),
		header: (id, body, offset) => handler.header(id, body, offset),
		clusterStart: (timecode, offset) => handler.clusterStart(timecode, offset),
		block: (trackNumber, relativeTicks, flags, bytes, start, end, durationTicks, offset, others) => {
			const track = encoded.get(trackNumber);
			if (track === undefined) {
				handler.block(trackNumber, relativeTicks, flags, bytes, start, end, durationTicks, offset, others);
				return;
			}
			const frames = framesOfBlock(track, flags, bytes, start, end, offset);
			const isLaced = (flags & LACING_MASK) !== 0;
			const decoded = isLaced ? laceFrames(frames) : (frames[0] as Uint8Array);
			const decodedFlags = isLaced ? (flags & ~LACING_MASK) | XIPH_LACING : flags;
			handler.block(
				trackNumber,
				relativeTicks,
				decodedFlags,
				decoded,
				0,
				decoded.byteLength,
				durationTicks,
				offset,
				others,
			);
		},
	};
}
