import { randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import { checkLocalPath } from '../wording/local-path.js';
import { checkRegion } from '../wording/region-name.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { ingestError, ingestFile } from './ingest/ingest-file.js';
import { type IngestSummary, summarizeIngest } from './ingest/ingest-summary.js';
import { checkRetention, checkStreamName, type LocalArchiveOptions } from './local-archive-options.js';
import { DataDirectory } from './store/data-directory.js';
import { FragmentAppender } from './store/fragment-appender.js';
import { FragmentIndex } from './store/fragment-index.js';
import { LocalStream } from './store/local-stream.js';
import type { StreamContents } from './store/stream-directory.js';
import {
	changedMetadata,
	DEFAULT_RETENTION_HOURS,
	newMetadata,
	type StreamMetadata,
} from './store/stream-metadata.js';

/** How a file is ingested. */
export interface IngestOptions {
	/** Producer time of the file's first frame. A recorded payload keeps its own. @default the last frame is now */
	readonly start?: Instant | undefined;
	/** Aborts the ingest, which then removes all that it wrote. */
	readonly signal?: AbortSignal | undefined;
}

/**
 * The streams of a data directory, and the way to put media into them.
 *
 * Opens itself: {@link ready} resolves when everything is read, and rejects (`KVS_DATA_DAMAGED`, `KVS_DATA_IN_USE`, or the
 * system's error) where the directory cannot be used; every other call waits for it.
 */
export class LocalArchive {
	/** Resolves when the data directory is open. Its rejection may be left unobserved. */
	readonly ready: Promise<void>;
	/** Resolves when producers have put something in, now or in an earlier run: until then nothing can expire. */
	readonly hasProduced: Promise<void>;
	#noteProduced = (): void => {};
	readonly #region: string;
	readonly #now: () => number;
	readonly #randomInt: (exclusiveMax: number) => number;
	readonly #retentionHours: number;
	readonly #isSynced: boolean;
	readonly #appenders = new Set<FragmentAppender>();
	readonly #streams = new Map<string, LocalStream>();
	readonly #onWarning: (message: string) => void;
	readonly #closing = new AbortController();
	#directory: DataDirectory | null = null;
	/** Settles when the last ingest that was requested has ended, with or without an error. */
	#lastIngest: Promise<unknown> = Promise.resolve();

	#lastChange: Promise<unknown> = Promise.resolve();

	constructor(options: LocalArchiveOptions = {}) {
		this.#region = checkRegion(options.region) ?? 'us-east-1';
		this.#now = options.now ?? Date.now;
		this.#randomInt = options.randomInt ?? ((exclusiveMax) => randomInt(exclusiveMax));
		this.#isSynced = options.fsync ?? true;
		this.#retentionHours = checkRetention(options.retentionHours ?? DEFAULT_RETENTION_HOURS);
		this.#onWarning = options.onWarning ?? ((message) => process.emitWarning(message, 'KvsArchiveWarning'));
		this.hasProduced = new Promise((resolve) => {
			this.#noteProduced = resolve;
		});
		const { dataDirectory } = options;
		if (dataDirectory !== undefined)
			checkLocalPath('dataDirectory', dataDirectory, 'the path of a directory');
		this.ready = this.#open(dataDirectory);
		this.ready.catch(() => {});
	}

	/** The stream of that name, if there is one. Only once {@link ready} has resolved. */
	stream(name: string): LocalStream | undefined {
		return this.#streams.get(name);
	}

	/**
	 * Adds a stream, durably. Rejects with `InvalidOptionError` for a name that cannot be one, or that a stream has already,
	 * with `ArchiveError` (`KVS_CLOSED`) after {@link close}, and with the system's error.
	 */
	async createStream(
		given: Pick<StreamMetadata, 'name'> & Partial<Omit<StreamMetadata, 'creationMs'>>,
	): Promise<LocalStream> {
		checkStreamName(given.name);
		await this.ready;
		this.#closing.signal.throwIfAborted();
		if (this.#streams.has(given.name)) {
			throw new InvalidOptionError('streamName', 'a name that no stream has yet', given.name);
		}
		const metadata = newMetadata({ ...given, creationMs: Math.round(this.#now()) });
		const stream = this.#streamOf(metadata);
		this.#streams.set(given.name, stream);
		try {
			await this.#changing(() => (this.#directory as DataDirectory).writeMetadata(metadata));
			return stream;
		} catch (error) {
			this.#streams.delete(given.name);
			throw error;
		}
	}

	/**
	 * Changes what is known of a stream, durably; a shorter retention removes what is older at once, and a longer one brings
	 * nothing back. `change` is called when the changes before are made. Rejects with what it throws, with `ArchiveError` (`KVS_NOT_FOUND`) for a stream that was deleted
	 * meanwhile, and with the system's error.
	 */
	async updateStream(
		stream: LocalStream,
		change: (metadata: StreamMetadata) => Partial<Omit<StreamMetadata, 'name' | 'creationMs'>>,
	): Promise<void> {
		await this.#changing(async () => {
			stream.ended.throwIfAborted();
			const metadata = changedMetadata(stream.metadata, change(stream.metadata), this.#now());
			await (this.#directory as DataDirectory).writeMetadata(metadata);
			stream.update(metadata);
		});
		await this.#expire(stream);
	}

	/** Removes a stream and its media. Its readers and producers end. Rejects with the system's error. */
	async deleteStream(stream: LocalStream): Promise<void> {
		const { name } = stream.metadata;
		this.#streams.delete(name);
		stream.end(new ArchiveError('KVS_NOT_FOUND', `the stream \`${name}\` was deleted`));
		await this.#changing(() => (this.#directory as DataDirectory).removeStream(name));
	}

	/** How many producers are connected. */
	get producers(): number {
		return this.#appenders.size;
	}

	/** A producer connects to a stream. {@link finishAppending} is to be called with what it returns. */
	appendTo(stream: LocalStream): FragmentAppender {
		const appender = new FragmentAppender(stream, { isSynced: this.#isSynced });
		this.#appenders.add(appender);
		this.#noteProduced();
		return appender;
	}

	/** A producer is gone: what it had begun is dropped. Rejects with the system's error. */
	async finishAppending(appender: FragmentAppender): Promise<void> {
		try {
			await appender.close();
		} finally {
			this.#appenders.delete(appender);
			if (this.#closing.signal.aborted && this.#appenders.size === 0) this.#directory?.dispose();
		}
	}

	/** Removes what has expired of all streams. What cannot be removed is warned of, and tried again by the next call. */
	async expire(): Promise<void> {
		for (const stream of this.#streams.values()) {
			if (!this.#closing.signal.aborted) await this.#expire(stream);
		}
	}

	/** Passes on what was found wrong with the data directory. */
	warn(message: string): void {
		this.#onWarning(message);
	}

	/** All streams, sorted by name. Only once {@link ready} has resolved. */
	streams(): LocalStream[] {
		return [...this.#streams.values()].toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
	}

	/**
	 * Puts a media file into a stream, which is made where it is absent. One ingest runs at a time; its fragments are
	 * listed all at once, at its end. A file that the stream has already, by its SHA-256, adds nothing.
	 *
	 * A payload recorded from the service keeps its fragment numbers, times and bytes. Any other MKV, WebM, MP4 or MOV is
	 * cut at its key frames. Rejects with `InvalidOptionError`, with `ArchiveError` (`KVS_INGEST_FAILED`) or with
	 * `MediaError`, and with the signal's reason; what it wrote is removed then.
	 */
	async ingest(streamName: string, file: string, options: IngestOptions = {}): Promise<IngestSummary> {
		checkStreamName(streamName);
		const startMs = options.start === undefined ? null : resolveInstant('start', options.start);
		const { signal: closed } = this.#closing;
		const signal = options.signal === undefined ? closed : AbortSignal.any([options.signal, closed]);
		signal.throwIfAborted();
		const ingest = Promise.all([this.ready, this.#lastIngest.catch(() => {})]).then(() =>
			this.#ingest(streamName, file, startMs, signal),
		);
		this.#lastIngest = ingest;
		return ingest;
	}

	/**
	 * Ends running ingests, which reject with `KVS_CLOSED`, and removes a temporary data directory: at once, or when the last
	 * producer has ended what it stores.
	 */
	close(): void {
		this.#closing.abort(new ArchiveError('KVS_CLOSED', 'the archive was closed'));
		if (this.#appenders.size === 0) this.#directory?.dispose();
	}

	async #open(path: string | undefined): Promise<void> {
		const directory = await DataDirectory.open(path);
		this.#directory = directory;
		if (this.#closing.signal.aborted) return directory.dispose();
		for await (const found of directory.streams((message) => this.warn(message))) {
			this.#streams.set(found.metadata.name, this.#streamOf(found.metadata, found));
			if (found.produced.length > 0) this.#noteProduced();
		}
	}

	async #expire(stream: LocalStream): Promise<void> {
		try {
			// In turn with other changes: a stream of the same name may have been made meanwhile, with files of the same names.
			await this.#changing(async () => {
				if (!stream.ended.aborted) await stream.expire(this.#now());
			});
		} catch (error) {
			const { name } = stream.metadata;
			this.warn(`media of \`${name}\` that has expired cannot be removed: ${systemTrouble(error)}`);
		}
	}

	/** One change of the directory after the other. */
	async #changing(change: () => Promise<void>): Promise<void> {
		const changing = this.#lastChange.then(change);
		this.#lastChange = changing.catch(() => {});
		await changing;
	}

	#streamOf(metadata: StreamMetadata, contents?: StreamContents): LocalStream {
		return new LocalStream({
			metadata,
			region: this.#region,
			directory: (this.#directory as DataDirectory).stream(metadata.name),
			now: this.#now,
			randomInt: this.#randomInt,
			...(contents !== undefined && { contents }),
		});
	}

	async #ingest(
		name: string,
		file: string,
		startMs: number | null,
		signal: AbortSignal,
	): Promise<IngestSummary> {
		signal.throwIfAborted();
		const directory = this.#directory as DataDirectory;
		const known = this.#streams.get(name);
		let workDirectory: string | null = null;
		try {
			workDirectory = await directory.makeWorkDirectory();
			const { digest, written } = await ingestFile({
				file,
				startMs,
				workDirectory,
				isKnown: (digest) => known?.file(digest) !== undefined,
				payloadPath: (digest) => directory.stream(name).payloadPath(digest),
				existing: known?.fragments ?? new FragmentIndex(),
				now: this.#now,
				randomInt: this.#randomInt,
				signal,
			});
			const stored = known?.file(digest) ?? { digest, fragments: written?.fragments ?? [] };
			const isNew = written !== null && written.fragments.length > 0;
			if (isNew) {
				const { payload, mediaType } = written;
				const creationMs = Math.round(this.#now());
				const retentionHours = this.#retentionHours;
				const metadata = known?.metadata ?? newMetadata({ name, creationMs, mediaType, retentionHours });
				signal.throwIfAborted();
				await directory.commit(metadata, stored, workDirectory, payload);
				const stream = this.#streams.get(name) ?? this.#streamOf(metadata);
				stream.addFile(stored);
				this.#streams.set(name, stream);
			}
			return {
				...summarizeIngest(name, stored, isNew),
				skippedDocuments: written?.skippedDocuments ?? 0,
				omissions: written?.omissions ?? [],
			};
		} catch (error) {
			signal.throwIfAborted();
			throw ingestError(file, error);
		} finally {
			if (workDirectory !== null) await rm(workDirectory, { recursive: true, force: true });
		}
	}
}
