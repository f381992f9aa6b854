import { Writable } from 'node:stream';
import { SinkError } from '../errors.js';
import { folderOf } from '../files/directory-folder.js';
import { type FolderLock, type OutputFolder, putFile, type UnfinishedFile } from '../files/output-folder.js';
import { nothingToWrite } from '../wording/nothing-to-write.js';

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
 * `SinkError`: `KVS_SINK_FAILED`, also where another process writes to the directory, and `KVS_EMPTY_RANGE` where no file
 * came, which leaves no list.
 */
export abstract class ImageFiles<Item> extends Writable {
	readonly #folder: OutputFolder;
	readonly #listName: string;
	readonly #names = new Map<string, number>();
	#lock: FolderLock | null = null;
	#list: UnfinishedFile | null = null;

	constructor(folder: string | OutputFolder, listName: string) {
		const resolved = folderOf(folder);
		super({ objectMode: true, highWaterMark: 1 });
		this.#folder = resolved;
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
		this.#leave().then(
			() => callback(error),
			(leaveError: Error) => callback(error ?? leaveError),
		);
	}

	async #save({ time, extension, data, line }: ImageFile): Promise<void> {
		this.#lock ??= await this.#folder.lock();
		this.#list ??= await this.#folder.create(this.#listName);
		const file = data === null ? null : this.#nameOf(time, extension);
		if (file !== null) await putFile(this.#folder, file, [data as Uint8Array]);
		await this.#list.append([Buffer.from(`${JSON.stringify({ file, ...line })}\n`)]);
	}

	#nameOf(time: string, extension: string): string {
		const count = (this.#names.get(time) ?? 0) + 1;
		this.#names.set(time, count);
		return `${time}${count === 1 ? '' : `_${count}`}.${extension}`;
	}

	async #finish(): Promise<void> {
		const { name } = this.#folder;
		if (this.#list === null || this.#names.size === 0) {
			const message = nothingToWrite(`\`${name}\``, 'pictures');
			throw new SinkError('KVS_EMPTY_RANGE', name, message);
		}
		await this.#list.commit();
	}

	async #leave(): Promise<void> {
		try {
			await this.#list?.discard();
		} finally {
			await this.#lock?.release();
		}
	}
}
