import type { Track } from '../model/track.js';
import { MatroskaMuxer } from '../muxing/matroska-muxer.js';
import type { Muxer } from '../muxing/muxer.js';
import { FileSink } from './file-sink.js';

/**
 * Writes events into one Matroska file: one header, the producer's times from 0 on, cues at key frames, a duration. Takes
 * every codec. The file appears when the sink has finished; see {@link FileSink} for the errors.
 */
export class MkvSink extends FileSink {
	protected override muxer(_path: string, tracks: readonly Track[]): Muxer {
		return new MatroskaMuxer(tracks, { docType: 'matroska' });
	}
}
