import { Readable } from 'node:stream';
import type { Fragment } from 'kvs-archive';
import { FragmentBatcher } from '#lib/fetch/fragment-batcher.js';
import type { FragmentBatch } from '#lib/model/fragment-batch.js';

/** What one request of a run may hold: a quarter of the memory that it may use. */
const MAX_SIZE_BYTES = (128 * 1024 * 1024) / 4;

/** The lists in which fragments are requested, by the stage that makes them. */
export async function batchesOf(fragments: readonly Fragment[]): Promise<FragmentBatch[]> {
	const batches: FragmentBatch[] = [];
	const batcher = new FragmentBatcher({ maxSizeBytes: MAX_SIZE_BYTES });
	for await (const made of Readable.from(fragments).compose(batcher) as AsyncIterable<FragmentBatch>) {
		batches.push(made);
	}
	return batches;
}
