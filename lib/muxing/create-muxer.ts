import type { Track } from '../model/track.js';
import type { Container } from './container.js';
import { MatroskaMuxer } from './matroska-muxer.js';
import { createMp4Muxer } from './mp4-muxer.js';
import type { Muxer, MuxerState } from './muxer.js';
import { createWavMuxer } from './wav-muxer.js';

/** A muxer for a container, fresh or restored. What the container cannot hold is to be checked before. */
export function createMuxer(
	container: Container,
	tracks: readonly Track[],
	restored: MuxerState | null = null,
): Muxer {
	switch (container) {
		case 'mkv':
			return new MatroskaMuxer(tracks, { docType: 'matroska' }, restored);
		case 'webm':
			return new MatroskaMuxer(tracks, { docType: 'webm' }, restored);
		case 'mp4':
		case 'm4a':
			return createMp4Muxer(tracks, { brand: 'mp4' }, restored);
		case 'mov':
			return createMp4Muxer(tracks, { brand: 'mov' }, restored);
		case 'wav':
			return createWavMuxer(tracks, restored);
	}
}
