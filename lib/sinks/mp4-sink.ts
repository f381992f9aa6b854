import type { Track } from '../model/track.js';
import { checkTracks } from '../muxing/container.js';
import { createMp4Muxer } from '../muxing/mp4-muxer.js';
import type { Muxer } from '../muxing/muxer.js';
import { FileSink } from './file-sink.js';

/**
 * Writes events into one fragmented MP4 file, which plays while it loads: a segment a fragment, a table for seeking, a
 * duration. The file appears when the sink has finished; see {@link FileSink} for the errors.
 */
export class Mp4Sink extends FileSink {
	protected override muxer(path: string, tracks: readonly Track[]): Muxer {
		checkTracks(path, 'mp4', tracks);
		return createMp4Muxer(tracks, { brand: 'mp4' });
	}
}
