import { Writable } from 'node:stream';
import { folderOf } from '../files/directory-folder.js';
import type { FolderLock, OutputFolder } from '../files/output-folder.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { FRESH_START } from '../model/run-start.js';
import type { Picture } from '../pictures/picture.js';
import {
	beginDataset,
	begunDataset,
	discardDataset,
	forgetProgress,
	isOther,
	NOT_BEGUN,
} from './begun-dataset.js';
import { checkFormat, type DatasetForm, type DatasetFormOptions, datasetFormOf } from './dataset-form.js';
import { DATASET_FILE } from './dataset-manifest.js';
import { DatasetWriter } from './dataset-writer.js';
import { RunLedger } from './run-ledger.js';

/** Options of {@link DatasetSink}. */
export interface DatasetSinkOptions extends DatasetFormOptions {
	/** What the names of shards begin with. @default 'pictures' */
	readonly name?: string | undefined;
}

const OPTION_NAMES: OptionNames<DatasetSinkOptions> = {
	name: true,
	layout: true,
	shardSizeBytes: true,
};

/**
 * Writes `Picture`s into a folder in one of the layouts of {@link KvsArchive.exportPictures}, for pipelines of the caller's own:
 * the list and `manifest.jsonl` when it has finished. Nothing is made before the first picture. It does not resume: after a
 * stop another one starts over. Fails with `SinkError`: `KVS_SINK_FAILED`, also where the folder holds the pictures of
 * another or of an export, and `KVS_EMPTY_RANGE` where no picture came.
 */
export class DatasetSink extends Writable {
	readonly #folder: OutputFolder;
	readonly #form: DatasetForm;
	/** The picture that was given last. */
	#adding: Promise<void> = Promise.resolve();
	#lock: FolderLock | null = null;
	#writer: DatasetWriter | null = null;

	/** `folder`: the path of a directory, or a folder of another kind. Throws `InvalidOptionError`. */
	constructor(folder: string | OutputFolder, options: DatasetSinkOptions = {}) {
		checkOptionNames(options, OPTION_NAMES);
		const { name = 'pictures', ...form } = options;
		const [place, checked] = [folderOf(folder), datasetFormOf(form, name)];
		super({ objectMode: true, highWaterMark: 1 });
		this.#folder = place;
		this.#form = checked;
	}

	/** Pictures taken so far. */
	get count(): number {
		return this.#writer?.pictures ?? 0;
	}

	override _write(
		picture: Picture,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		this.#adding = this.#add(picture);
		this.#adding.then(() => callback(), callback);
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

	async #add(picture: Picture): Promise<void> {
		checkFormat(this.#form, picture.format);
		this.#lock ??= await this.#folder.lock();
		this.#writer ??= await this.#begin();
		await this.#writer.add(picture);
	}

	async #begin(): Promise<DatasetWriter> {
		const [folder, form] = [this.#folder, this.#form];
		if ((await folder.sizeOf(DATASET_FILE)) !== null) throw isOther(folder, 'has the pictures of');
		if ((await begunDataset(folder, form, null)) !== null) await discardDataset(folder, form);
		await beginDataset(folder, form, null);
		return this.#newWriter();
	}

	#newWriter(): DatasetWriter {
		const [folder, form] = [this.#folder, this.#form];
		const { past } = NOT_BEGUN;
		const ledger = new RunLedger(folder.name, { fragments: [], tracks: past.tracks });
		return new DatasetWriter({ folder, form, request: null, past, ledger });
	}

	async #finish(): Promise<void> {
		await (this.#writer ?? this.#newWriter()).finish({
			...FRESH_START.totals,
			fragments: 0,
			pictureFailures: 0,
		});
		await forgetProgress(this.#folder);
	}

	async #leave(): Promise<void> {
		// A picture that is being written may still be about to take the folder. Its error is its callback's.
		await this.#adding.catch(() => {});
		try {
			await this.#writer?.leave();
		} finally {
			await this.#lock?.release();
		}
	}
}
