import type { Track } from '../model/track.js';
import { checkTracks } from '../muxing/container.js';
import type { Muxer } from '../muxing/muxer.js';
import { createWavMuxer } from '../muxing/wav-muxer.js';
import { FileSink } from './file-sink.js';

/**
 * Writes the audio of events into one WAV file: PCM or G.711, one channel a track where there are several, silence where
 * nothing was recorded. Other tracks are left out. The file appears when the sink has finished; see {@link FileSink} for the errors.
 */
export class WavSink extends FileSink {
	protected override takes({ type }: Track): boolean {
		return type === 'audio';
	}

	protected override muxer(path: string, tracks: readonly Track[]): Muxer {
		checkTracks(path, 'wav', tracks);
		return createWavMuxer(tracks);
	}
}
