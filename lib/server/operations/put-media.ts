import { type PutMediaFaults, putMediaFaults } from '../faults/put-media-faults.js';
import { stoppedBody } from '../faults/stopped-body.js';
import { ConnectionReset } from '../http/connection-reset.js';
import { readPutMediaHeaders } from '../put-media/put-media-headers.js';
import { PutMediaSession } from '../put-media/put-media-session.js';
import { ReadingPauses } from '../put-media/reading-pauses.js';
import { PacedReading } from '../quotas/paced-reading.js';
import { connectionLimitExceeded } from '../wire/service-error.js';
import type { StreamedOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

/**
 * Producers at once, of all streams together: what one may hold (its header, and a part of a fragment) is
 * bounded, and so is what all of them hold.
 */
const MAX_PRODUCERS = 256;

/** PutMedia: stores the Clusters of a body as it comes, and acknowledges each fragment on the same connection. */
export const putMedia: StreamedOperation = {
	name: 'PutMedia',
	path: '/putMedia',
	stream(headers, body, { archive, clock, quotas, signal, onStream }) {
		const { stream: named, producerStartMs, isAcknowledged } = readPutMediaHeaders(headers);
		const requested = requestedStream(named);
		onStream(requested.name);
		const stream = requested.find(archive);
		if (archive.producers >= MAX_PRODUCERS) throw connectionLimitExceeded('PutMedia');
		return {
			kind: 'stream',
			contentType: 'application/json',
			body: (fired) => acknowledgements(putMediaFaults(fired)),
		};

		// Begins with the first read, so that a request that a quota refuses stores nothing.
		async function* acknowledgements(faults: PutMediaFaults): AsyncGenerator<Uint8Array> {
			const appender = archive.appendTo(stream);
			const pauses = new ReadingPauses(clock);
			const pause = (wait: Promise<void>): Promise<void> => pauses.during(wait);
			const reading = new PacedReading({ quotas, clock, signal, pause });
			const session = new PutMediaSession({
				stream,
				appender,
				producerStartMs,
				isAcknowledged,
				clock,
				onError: ({ errorId, errorCode, message }) =>
					archive.warn(`PutMedia into \`${requested.name}\` ended with ${errorId} ${errorCode}: ${message}`),
				pauses,
				troubleOf: (index) => {
					reading.fragmentBegins();
					return { errorId: faults.errorIdOf(index), diskDelayMs: faults.diskDelayMs };
				},
			});
			let cut: Error | null = null;
			const abort = async (): Promise<never> => {
				cut = new Error('the connection is closed by a fault rule');
				throw cut;
			};
			const stopped = stoppedBody(body, { stops: faults.stops, clock, signal, abort, pause });
			const running = session
				.run(reading.read(faults.stops.length > 0 ? stopped : body))
				.then(() => archive.finishAppending(appender))
				.catch((error) =>
					archive.warn(`PutMedia of \`${requested.name}\` did not end cleanly: ${error.message}`),
				);
			try {
				yield* session.acks.lines;
				if (session.isOutOfStep) throw new ConnectionReset();
			} finally {
				await running;
			}
			// Closes the connection.
			if (cut !== null) throw cut;
		}
	},
};
