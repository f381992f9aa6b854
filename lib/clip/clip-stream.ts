import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { CallRecord } from '../aws/call-record.js';
import type { ServiceContext } from '../aws/service-context.js';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { AtomicFile } from '../files/atomic-file.js';
import { readBytes } from '../media-files/input-file.js';
import type { Fragment } from '../model/fragment.js';
import type { ResolvedTimeRange } from '../model/time-range.js';
import { RANGE_ADVICE } from '../wording/advice.js';
import type { ClipJoiner } from './clip-joiner.js';
import { type ClipPart, clipParts } from './clip-parts.js';
import { type FetchedPart, fetchPart } from './part-file.js';

/** How much shorter than its fragments a clip may be, in milliseconds: the length of the last one may count audio of the one before it. */
const TOLERANCE_MS = 1000;

/** A clip as the service gave it: of the whole range, or of a part of one that is too long for one. */
export interface ClipPartSummary {
	/** When its first and its last fragment begin, by the listing, on the range's clock. */
	readonly from: Date;
	readonly to: Date;
	/** Fragments listed in it. */
	readonly fragments: number;
	readonly bytes: number;
	/** How long it is, in milliseconds. */
	readonly durationMs: number;
	/**
	 * Whether it is shorter than its fragments: the service cut it short, or left out what overlaps or was ingested twice. The
	 * service does not say which fragments are in a clip; this is by their lengths in the listing, and a second off at most.
	 */
	readonly isShort: boolean;
}

/** What became of a clip. */
export interface ClipSummary {
	/** Whether all of it has been given, and no part is short. */
	readonly isComplete: boolean;
	/** Fragments listed in the range. */
	readonly fragments: number;
	/** Bytes given. */
	readonly bytes: number;
	/** How long the clip is, in milliseconds: its parts together. */
	readonly durationMs: number;
	/** What it was made of, in order. */
	readonly parts: readonly ClipPartSummary[];
	/** Calls made to the service, by all operations together. */
	readonly calls: number;
	/** Calls that the service throttled. */
	readonly throttled: number;
	readonly elapsedMs: number;
}

/** What a {@link ClipStream} needs. */
export interface ClipStreamOptions extends ServiceContext {
	readonly range: ResolvedTimeRange;
	/** Lists the range, sorted by its clock. */
	readonly list: (
		signal: AbortSignal,
		onCall: (call: CallRecord) => void,
	) => AsyncIterable<readonly Fragment[]>;
}

/**
 * The bytes of a clip, an MP4 file. Leaving it early is a normal end; what was kept of it on the disk is gone when it is
 * closed. Fails with `RequestError`, with `ArchiveError` (`KVS_EMPTY_RANGE`), and with `MediaError` where parts cannot be joined.
 */
export class ClipStream extends Readable {
	/** What the bytes are. */
	readonly contentType = 'video/mp4';
	/** The result. Resolves when the stream has ended, also with an error; never rejects. */
	readonly summary: Promise<ClipSummary>;
	readonly #options: ClipStreamOptions;
	readonly #startMs: number;
	readonly #abort = new AbortController();
	readonly #chunks: AsyncGenerator<Uint8Array>;
	readonly #parts: ClipPartSummary[] = [];
	#bytes = 0;
	#calls = 0;
	#throttled = 0;
	#isWhole = false;
	#resolveSummary: (summary: ClipSummary) => void = () => {};

	constructor(options: ClipStreamOptions) {
		super();
		this.#options = options;
		this.#startMs = options.clock.now();
		this.#chunks = this.#produce();
		this.summary = new Promise((resolve) => {
			this.#resolveSummary = resolve;
		});
	}

	/**
	 * Reads it into a file that appears when the clip is whole, in place of one of that name. Rejects as the stream fails, and
	 * with `SinkError` (`KVS_SINK_FAILED`).
	 */
	async saveTo(file: string): Promise<ClipSummary> {
		let target: AtomicFile | null = null;
		// It may fail before it is read; what it fails with is thrown by reading it.
		this.once('error', () => {});
		try {
			if (typeof file !== 'string' || file === '') throw new InvalidOptionError('file', 'a file name', file);
			target = await AtomicFile.create(file);
			for await (const chunk of this) await target.append([chunk as Uint8Array]);
			await target.commit();
		} catch (error) {
			this.destroy();
			await target?.discard();
			throw error;
		}
		return this.summary;
	}

	override _read(): void {
		this.#chunks.next().then(
			({ value, done }) => {
				if (done === true) {
					this.#isWhole = true;
					this.push(null);
					return;
				}
				this.#bytes += value.byteLength;
				this.push(value);
			},
			(error: Error) => void this.destroy(error),
		);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#abort.abort(error ?? undefined);
		this.#chunks.return(undefined).then(
			() => this.#end(() => callback(error)),
			(closeError: Error) => this.#end(() => callback(error ?? closeError)),
		);
	}

	#end(callback: () => void): void {
		const { clock } = this.#options;
		const sum = (of: (part: ClipPartSummary) => number): number =>
			this.#parts.reduce((total, part) => total + of(part), 0);
		this.#resolveSummary({
			isComplete: this.#isWhole && this.#parts.every(({ isShort }) => !isShort),
			fragments: sum(({ fragments }) => fragments),
			bytes: this.#bytes,
			durationMs: sum(({ durationMs }) => durationMs),
			parts: [...this.#parts],
			calls: this.#calls,
			throttled: this.#throttled,
			elapsedMs: clock.now() - this.#startMs,
		});
		callback();
	}

	readonly #onCall = ({ outcome }: CallRecord): void => {
		this.#calls++;
		if (outcome === 'throttled') this.#throttled++;
	};

	async *#produce(): AsyncGenerator<Uint8Array> {
		const { range, list, client } = this.#options;
		const { signal } = this.#abort;
		const parts = clipParts(list(signal, this.#onCall), range);
		try {
			const first = await parts.next();
			if (first.done === true) {
				const [from, to] = [range.fromMs, range.toMs].map((ms) => new Date(ms).toISOString());
				const message = `no fragment of stream \`${client.stream}\` begins from ${from} to ${to} on the ${range.by}'s clock; ${RANGE_ADVICE}`;
				throw new ArchiveError('KVS_EMPTY_RANGE', message);
			}
			const second = await parts.next();
			const directory = await mkdtemp(join(tmpdir(), 'kvs-archive-clip-'));
			try {
				const path = join(directory, 'part.mp4');
				if (second.done === true) yield* this.#single(first.value, path);
				else yield* this.#joined([first.value, second.value], parts, path);
			} finally {
				await rm(directory, { recursive: true, force: true });
			}
		} finally {
			await parts.return(undefined);
		}
	}

	/** What the service gives in one clip is given as it is. */
	async *#single(part: ClipPart, path: string): AsyncGenerator<Uint8Array> {
		await using fetched = await this.#fetch(part, path);
		yield* readBytes(fetched.handle, 0, fetched.sizeBytes, this.#abort.signal);
	}

	async *#joined(
		first: readonly ClipPart[],
		rest: AsyncIterable<ClipPart>,
		path: string,
	): AsyncGenerator<Uint8Array> {
		const { ClipJoiner } = await import('./clip-joiner.js');
		const joiner = new ClipJoiner();
		for (const part of first) yield* this.#part(joiner, part, path);
		for await (const part of rest) yield* this.#part(joiner, part, path);
		yield joiner.finish();
	}

	async *#part(joiner: ClipJoiner, part: ClipPart, path: string): AsyncGenerator<Uint8Array> {
		await using fetched = await this.#fetch(part, path);
		yield* joiner.add(fetched.media);
	}

	async #fetch(part: ClipPart, path: string): Promise<FetchedPart & AsyncDisposable> {
		const { client, limiter, clock } = this.#options;
		const { signal } = this.#abort;
		const fetched = await fetchPart(part, { client, limiter, clock, path, signal, onCall: this.#onCall });
		const { durationMs } = fetched.media;
		this.#parts.push({
			from: new Date(part.firstMs),
			to: new Date(part.lastMs),
			fragments: part.fragments,
			bytes: fetched.sizeBytes,
			durationMs,
			isShort: durationMs < part.listedMs - TOLERANCE_MS,
		});
		return { ...fetched, [Symbol.asyncDispose]: () => fetched.handle.close() };
	}
}
