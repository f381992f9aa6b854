import type { MetricFamily } from '../metrics/exposition.js';
import { LabelledCounter } from '../metrics/labelled-counter.js';
import { lagTrouble, type MetricSource } from '../metrics/metric-source.js';
import type { RequestRecord, ResponseRecord } from './http/request-record.js';
import type { LocalArchive } from './local-archive.js';
import type { LocalStream } from './store/local-stream.js';

/**
 * Measures a local archive server, for Prometheus: its `onRequest` and `onResponseEnd` are those of
 * {@link ArchiveServerOptions}; give it to `serveMetrics` of `kvs-archive`.
 *
 * The lag of a stream is the time since the newest fragment began that it holds, from the first PutMedia on.
 */
export class ServerMetrics implements MetricSource {
	readonly #archive: () => LocalArchive;
	readonly #now: () => number;
	/** When each stream was put into first, epoch milliseconds by the archive's clock. */
	readonly #producedSinceMs = new Map<string, number>();
	readonly #requests = new LabelledCounter(
		'kvs_archive_server_requests_total',
		'Requests, by operation and status; status 0 is a connection that a fault closes.',
	);
	readonly #throttled = new LabelledCounter(
		'kvs_archive_server_throttled_requests_total',
		'Requests that were throttled, by a quota or a fault.',
	);
	readonly #fragments = new LabelledCounter(
		'kvs_archive_server_fragments_total',
		'Fragments that responses list or hold.',
	);
	readonly #sentBytes = new LabelledCounter(
		'kvs_archive_server_sent_bytes_total',
		'Bytes of the bodies of responses.',
	);
	readonly #broken = new LabelledCounter(
		'kvs_archive_server_broken_responses_total',
		'Responses that did not come to their end.',
	);

	/** `archive` is called once something is read. The clock is that of the archive. */
	constructor(archive: () => LocalArchive, { now = Date.now }: { readonly now?: () => number } = {}) {
		this.#archive = archive;
		this.#now = now;
	}

	/** Counts a request. */
	readonly onRequest = (record: RequestRecord): void => {
		const labels = this.#labels(record);
		this.#requests.add({ ...labels, status: String(record.statusCode) });
		if (record.isThrottled) this.#throttled.add(labels);
		if (record.fragments > 0) this.#fragments.add(labels, record.fragments);
		const { stream, operation } = labels;
		if (operation === 'PutMedia' && stream !== '' && !this.#producedSinceMs.has(stream)) {
			this.#producedSinceMs.set(stream, record.timeMs);
		}
	};

	/** Counts what became of its response. */
	readonly onResponseEnd = ({ request, bytesSent, isComplete }: ResponseRecord): void => {
		const labels = this.#labels(request);
		if (bytesSent > 0) this.#sentBytes.add(labels, bytesSent);
		if (!isComplete) this.#broken.add(labels);
	};

	/** What was counted so far, and what is true now. */
	families(): MetricFamily[] {
		return [
			{
				name: 'kvs_archive_server_lag_seconds',
				type: 'gauge',
				help: 'Time since the newest fragment began, of streams that were put into.',
				samples: this.#lags().map(({ stream, lagMs }) => ({ labels: { stream }, value: lagMs / 1000 })),
			},
			{
				name: 'kvs_archive_server_stored_fragments_total',
				type: 'counter',
				help: 'Fragments that the stream was given, those that were there at the start and have expired included.',
				samples: this.#archive()
					.streams()
					.map(({ metadata, fragments }) => ({
						labels: { stream: metadata.name },
						value: fragments.appended,
					})),
			},
			...[this.#requests, this.#throttled, this.#fragments, this.#sentBytes, this.#broken].map((counter) =>
				counter.family(),
			),
		];
	}

	/** The streams that were put into and hold nothing that is newer. */
	troubles(maxLagMs: number): string[] {
		return this.#lags()
			.filter(({ lagMs }) => lagMs > maxLagMs)
			.map(({ stream, lagMs }) => lagTrouble(stream, lagMs, maxLagMs));
	}

	#lags(): { stream: string; lagMs: number }[] {
		const nowMs = this.#now();
		return [...this.#producedSinceMs].flatMap(([name, sinceMs]) => {
			const stream = this.#archive().stream(name);
			if (stream === undefined) return [];
			const newestMs = Math.max(sinceMs, newestServerMs(stream, nowMs));
			return [{ stream: name, lagMs: Math.max(0, nowMs - newestMs) }];
		});
	}

	/** Names of streams that there are not must not fill memory. */
	#labels({ operation, stream }: RequestRecord): { operation: string; stream: string } {
		const isKnown = stream !== null && this.#archive().stream(stream) !== undefined;
		return { operation: operation ?? '', stream: isKnown ? stream : '' };
	}
}

function newestServerMs({ fragments }: LocalStream, nowMs: number): number {
	return fragments.latest('server', nowMs, 1)[0]?.serverMs ?? Number.NEGATIVE_INFINITY;
}
