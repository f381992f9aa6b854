import type { Readable } from 'node:stream';
import { ArchiveError } from '../errors.js';
import { whatHasCome } from '../stream/abort.js';
import type { Clock } from './clock.js';

/**
 * The chunks of a body as they come. Fails with `KVS_STALLED`, and destroys the body, when a chunk has been waited for that
 * long: the time in which the caller does not read does not count.
 */
export async function* unlessStalled(
	body: Readable,
	stallMs: number,
	clock: Clock,
): AsyncGenerator<Uint8Array> {
	const chunks = body[Symbol.asyncIterator]();
	for (;;) {
		const waiting = new AbortController();
		const { signal } = waiting;
		clock
			.sleep(stallMs, { signal, isBackground: true })
			.then(whatHasCome)
			.then(
				() => {
					if (!signal.aborted) body.destroy(stalled(stallMs));
				},
				() => {},
			);
		const step = await chunks.next().finally(() => waiting.abort());
		if (step.done === true) return;
		yield step.value as Uint8Array;
	}
}

function stalled(stallMs: number): ArchiveError {
	return new ArchiveError('KVS_STALLED', `nothing received in ${stallMs} ms`, { retryable: true });
}
