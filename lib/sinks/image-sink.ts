import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { InvalidOptionError, SinkError } from '../errors.js';
import { AtomicFile } from '../files/atomic-file.js';
import type { Picture, PictureFormat } from '../pictures/picture.js';

const EXTENSIONS: Readonly<Record<PictureFormat, string>> = {
	jpg: 'jpg',
	png: 'png',
	rgb24: 'rgb',
	nv12: 'nv12',
};

/** The list of what was written, in the order of the pictures. */
const LIST_NAME = 'frames.jsonl';

/**
 * Writes each picture into a file of its own, named by its exact time (`2026-01-31T14.03.07.250Z.jpg`, microseconds where
 * there are any, `_2` after it where two have the same time), and a line for each into `frames.jsonl`.
 *
 * The directory is made where it is not there. Every file appears when it is whole; `frames.jsonl` when the sink has
 * finished. On an error the images that were written stay, and no list appears. Fails with `SinkError`: `KVS_SINK_FAILED`, and
 * `KVS_EMPTY_RANGE` where no picture came, which leaves no file.
 */
export class ImageSink extends Writable {
	readonly #directory: string;
	readonly #names = new Map<string, number>();
	#list: AtomicFile | null = null;
	#isCommitted = false;

	constructor(directory: string) {
		if (typeof directory !== 'string' || directory === '') {
			throw new InvalidOptionError('directory', 'the name of a directory', directory);
		}
		super({ objectMode: true, highWaterMark: 1 });
		this.#directory = directory;
	}

	/** Pictures written so far. */
	get count(): number {
		return [...this.#names.values()].reduce((sum, count) => sum + count, 0);
	}

	override _write(
		picture: Picture,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		this.#save(picture).then(() => callback(), callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#finish().then(() => callback(), callback);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		const discarded = this.#isCommitted ? Promise.resolve() : (this.#list?.discard() ?? Promise.resolve());
		discarded.then(
			() => callback(error),
			(discardError: Error) => callback(error ?? discardError),
		);
	}

	async #save(picture: Picture): Promise<void> {
		if (this.#list === null) {
			await this.#makeDirectory();
			this.#list = await AtomicFile.create(join(this.#directory, LIST_NAME));
		}
		const file = this.#nameOf(picture);
		await writeWhole(join(this.#directory, file), picture.data);
		const { fragmentNumber, frame, timestampMs, producerTimestamp, keyframe, width, height } = picture;
		const timestamp = timestampMs === null ? null : isoTime(timestampMs);
		const line = {
			file,
			fragmentNumber,
			track: frame.track.number,
			timestamp,
			producerTimestamp,
			keyframe,
			width,
			height,
		};
		await this.#list.append([Buffer.from(`${JSON.stringify(line)}\n`)]);
	}

	async #makeDirectory(): Promise<void> {
		try {
			await mkdir(this.#directory, { recursive: true });
		} catch (error) {
			const { message } = error as Error;
			throw new SinkError(
				'KVS_SINK_FAILED',
				this.#directory,
				`cannot make the directory \`${this.#directory}\`: ${message}`,
				error,
			);
		}
	}

	#nameOf({ timestampMs, frame, format }: Picture): string {
		const time =
			timestampMs === null
				? `${String(frame.timecodeNs / 1000n).padStart(15, '0')}us`
				: isoTime(timestampMs).replaceAll(':', '.');
		const count = (this.#names.get(time) ?? 0) + 1;
		this.#names.set(time, count);
		return `${time}${count === 1 ? '' : `_${count}`}.${EXTENSIONS[format]}`;
	}

	async #finish(): Promise<void> {
		if (this.#list === null) {
			throw new SinkError(
				'KVS_EMPTY_RANGE',
				this.#directory,
				`nothing to write to \`${this.#directory}\`: there are no pictures in the range`,
			);
		}
		await this.#list.commit();
		this.#isCommitted = true;
	}
}

async function writeWhole(path: string, data: Uint8Array): Promise<void> {
	const file = await AtomicFile.create(path);
	try {
		await file.append([data]);
		await file.commit();
	} catch (error) {
		await file.discard();
		throw error;
	}
}

/** ISO 8601 with milliseconds, or with microseconds where the time is finer. */
function isoTime(timestampMs: number): string {
	const us = Math.round(timestampMs * 1000);
	const fraction = ((us % 1000) + 1000) % 1000;
	const iso = new Date((us - fraction) / 1000).toISOString();
	return fraction === 0 ? iso : iso.replace('Z', `${String(fraction).padStart(3, '0')}Z`);
}
