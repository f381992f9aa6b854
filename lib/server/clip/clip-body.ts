import { DemuxContext } from '../../demux/demux-context.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { FragmentSamples } from './fragment-samples.js';

/** The least that is sent at a time, but for the end: most samples are far smaller. */
const WRITE_BYTES = 256 * 1024;

/**
 * The bytes of a clip: its head, and the samples of its fragments as {@link clipHead} has found them. Holds some of the
 * bytes of one fragment at a time. Rejects as `readParts` does.
 */
export async function* clipBody(
	head: readonly Uint8Array[],
	fragments: readonly StoredFragment[],
): AsyncGenerator<Uint8Array> {
	let waiting: Uint8Array[] = [...head];
	let waitingBytes = 0;
	const context = new DemuxContext();
	for (const fragment of fragments) {
		for await (const samples of new FragmentSamples(fragment, context).read()) {
			for (const { data } of samples) {
				waiting.push(data);
				waitingBytes += data.byteLength;
			}
			if (waitingBytes < WRITE_BYTES) continue;
			yield Buffer.concat(waiting);
			waiting = [];
			waitingBytes = 0;
		}
	}
	yield Buffer.concat(waiting);
}
