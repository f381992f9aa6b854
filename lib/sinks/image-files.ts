import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { InvalidOptionError, SinkError } from '../errors.js';
import { AtomicFile } from '../files/atomic-file.js';

/** What {@link ImageFiles} writes of an item. */
export interface ImageFile {
	/** What the file is named by. */
	readonly time: string;
	/** Of its name, without the dot. */
	readonly extension: string;
	/** Null: the item has a line in the list, and no file. */
	readonly data: Uint8Array | null;
	/** The item's line in the list, but for the file's name. */
	readonly line: object;
}

/**
 * Writes each item into a file of its own, named by its time (`_2` after it where two have the same), and a line for each into a
 * list, whose `file` is null where the item has none. The directory is made where it is not there. Every file appears when it is
 * whole, the list when the sink has finished. On an error the files that were written stay, and no list appears. Fails with
 * `SinkError`: `KVS_SINK_FAILED`, and `KVS_EMPTY_RANGE` where no file came, which leaves no list.
 */
export abstract class ImageFiles<Item> extends Writable {
	readonly #directory: string;
	readonly #listName: string;
	readonly #names = new Map<string, number>();
	#list: AtomicFile | null = null;
	#isCommitted = false;

	constructor(directory: string, listName: string) {
		if (typeof directory !== 'string' || directory === '') {
			throw new InvalidOptionError('directory', 'the name of a directory', directory);
		}
		super({ objectMode: true, highWaterMark: 1 });
		this.#directory = directory;
		this.#listName = listName;
	}

	/** Files written so far. */
	get count(): number {
		return [...this.#names.values()].reduce((sum, count) => sum + count, 0);
	}

	/** What is written of an item. */
	protected abstract fileOf(item: Item): ImageFile;

	override _write(item: Item, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
		this.#save(this.fileOf(item)).then(() => callback(), callback);
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

	async #save({ time, extension, data, line }: ImageFile): Promise<void> {
		if (this.#list === null) {
			await this.#makeDirectory();
			this.#list = await AtomicFile.create(join(this.#directory, this.#listName));
		}
		const file = data === null ? null : this.#nameOf(time, extension);
		if (file !== null) await writeWhole(join(this.#directory, file), data as Uint8Array);
		await this.#list.append([Buffer.from(`${JSON.stringify({ file, ...line })}\n`)]);
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

	#nameOf(time: string, extension: string): string {
		const count = (this.#names.get(time) ?? 0) + 1;
		this.#names.set(time, count);
		return `${time}${count === 1 ? '' : `_${count}`}.${extension}`;
	}

	async #finish(): Promise<void> {
		if (this.#list === null || this.#names.size === 0) {
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
