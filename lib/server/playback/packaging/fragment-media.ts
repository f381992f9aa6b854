import { AssemblerContext, FragmentAssembler } from '../../../demux/fragment-assembler.js';
import { MediaError } from '../../../errors.js';
import type { Track } from '../../../model/track.js';
import type { Sample } from '../../../mp4/sample-times.js';
import { readParts } from '../../store/body-part.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import type { Sized } from './shared-cache.js';

/** A fragment's media, read as a whole. */
export interface FragmentMedia extends Sized {
	readonly tracks: readonly Track[];
	/** Of each track its frames in decode order, by its number. Times are epoch milliseconds of the producer's clock. */
	readonly samples: ReadonlyMap<number, readonly Sample[]>;
}

/** Reads a stored fragment. Rejects with `MediaError` where the bytes are malformed, and as `readParts` does. */
export async function readFragmentMedia(fragment: StoredFragment): Promise<FragmentMedia> {
	const context = new AssemblerContext();
	const assembler = new FragmentAssembler(context, { admit: () => 'hold' });
	const samples = new Map<number, Sample[]>();
	const take = (batches: ReturnType<FragmentAssembler['write']>): void => {
		for (const events of batches) {
			for (const event of events) {
				if (event.type === 'fragment-failure') throw new MediaError('KVS_MKV_MALFORMED', event.message);
				if (event.type !== 'frame') continue;
				const { track, data, keyframe, durationMs, timestampMs } = event;
				const frames = samples.get(track.number) ?? [];
				frames.push({ data, keyframe, durationMs, ms: timestampMs ?? fragment.producerMs });
				samples.set(track.number, frames);
			}
		}
	};
	for await (const bytes of readParts([{ kind: 'fragment', fragment }])) take(assembler.write(bytes));
	take(assembler.end());
	return { tracks: context.tracks, samples, sizeBytes: fragment.sizeBytes };
}
