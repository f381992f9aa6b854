import type { DemuxContext } from '../../../demux/demux-context.js';
import { PayloadReader } from '../../../demux/payload-reader.js';
import { MediaError } from '../../../errors.js';
import type { MediaEvent } from '../../../model/media-event.js';
import { readParts } from '../../store/body-part.js';
import type { StoredFragment } from '../../store/stored-fragment.js';

/**
 * The events of a stored fragment, in arrays of bounded length, as its bytes are read. Equal headers that are read with one
 * `context` share their tracks. Rejects with `MediaError` where the bytes are malformed, and as `readParts` does.
 */
export async function* fragmentEvents(
	fragment: StoredFragment,
	context: DemuxContext,
): AsyncGenerator<readonly MediaEvent[]> {
	const reader = new PayloadReader(context, { admit: () => 'hold' });
	for await (const bytes of readParts([{ kind: 'fragment', fragment }]))
		yield* unlessFailed(reader.write(bytes));
	yield* unlessFailed(reader.end());
}

function* unlessFailed(batches: Iterable<readonly MediaEvent[]>): Generator<readonly MediaEvent[]> {
	for (const events of batches) {
		const failure = events.find(({ type }) => type === 'fragment-failure');
		if (failure?.type === 'fragment-failure') throw new MediaError('KVS_MKV_MALFORMED', failure.message);
		yield events;
	}
}
