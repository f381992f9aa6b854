import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../errors.js';
import { fragmentsOf } from '../export/export-manifest.js';
import { folderOf } from '../files/directory-folder.js';
import type { OutputFolder } from '../files/output-folder.js';
import type { TrackSelector } from '../frames/track-selection.js';
import { LATE_FRAGMENT } from '../list/skip-completed-filter.js';
import type { Fragment } from '../model/fragment.js';
import type { RunEvent } from '../model/media-event.js';
import type { RunStart } from '../model/run-start.js';
import type { RunSummary } from '../model/run-summary.js';
import { type ResolvedTimeRange, resolveTimeRange, startMs, type TimeRange } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';
import type { Picture } from '../pictures/picture.js';
import type { OptionOfRange, PictureDecoderOptions, PictureStart } from '../pictures/picture-decoder.js';
import type { DecodeFailure } from '../pictures/track-decoder.js';
import { everyFragments } from '../run/every-fragments.js';
import type { PictureResumption } from '../run/open-pictures.js';
import type { PictureStream } from '../run/picture-stream.js';
import type { RunOptions } from '../run/run-options.js';
import {
	beginDataset,
	begunDataset,
	discardDataset,
	forgetProgress,
	isOther,
	NOT_BEGUN,
} from './begun-dataset.js';
import { checkFormat, type DatasetForm, type DatasetFormOptions, datasetFormOf } from './dataset-form.js';
import { type DatasetTotals, readDatasetManifest } from './dataset-manifest.js';
import { type DatasetPast, DatasetWriter } from './dataset-writer.js';
import { RunLedger, runStartOf } from './run-ledger.js';
import { checkDataset } from './verify-dataset.js';

/** Options of {@link KvsArchive.exportPictures}: those of {@link KvsArchive.pictures}, and how they are written. */
export interface ExportPicturesOptions
	extends Omit<RunOptions, 'order'>,
		Omit<PictureDecoderOptions, OptionOfRange>,
		DatasetFormOptions {
	/** The video tracks whose pictures are wanted, by number or name. @default all */
	readonly tracks?: readonly TrackSelector[] | undefined;
	/** Called with each picture that was written; the next waits for it. */
	readonly onPicture?: ((picture: Picture) => void | Promise<void>) | undefined;
}

/** What became of an export of pictures. */
export interface ExportPicturesSummary extends RunSummary {
	/** The folder's path or URL. */
	readonly folder: string;
	/** Pictures that are in it. */
	readonly pictures: number;
	/** Frames that were wanted and could not be decoded. */
	readonly pictureFailures: number;
	/** Pictures that an earlier process had written. */
	readonly resumed: number;
	/** Whether nothing was done but to check a finished folder. */
	readonly verified: boolean;
}

/** What follows a run of pictures, and where that begins. */
export interface PictureWatch extends PictureResumption {
	/** Called with what is read, before it is decoded. */
	readonly events: (events: readonly RunEvent[]) => void;
	readonly onFailure: (failure: DecodeFailure) => void;
}

/** What an export of pictures needs of the archive. */
export interface PictureExportSource {
	/** Name or ARN. */
	readonly stream: string;
	readonly clock: Clock;
	/** What is left of the range. */
	readonly pictures: (past: RunStart, watch: PictureWatch) => PictureStream;
	/** The listing of the range, with what begins before it and may reach into it. */
	readonly fragments: (signal: AbortSignal | undefined) => AsyncIterable<Fragment>;
}

/** Options that do not change what is written. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
	'signal',
	'strict',
	'maxBufferedBytes',
	'onProgress',
	'onFailure',
	'onPicture',
	'decoder',
	'decoders',
]);

/** Writes the pictures of a range into a folder, or goes on with that, or checks that it was done. See {@link KvsArchive.exportPictures}. */
export async function exportPictures(
	range: TimeRange,
	folder: string | OutputFolder,
	options: ExportPicturesOptions,
	source: PictureExportSource,
): Promise<ExportPicturesSummary> {
	const form = datasetFormOf(options, source.stream.split('/')[1] ?? source.stream);
	checkFormat(form, options.format ?? 'jpg');
	const request = requestOf(range, form, options, source.stream);
	const place = folderOf(folder);
	options.signal?.throwIfAborted();
	const lock = await place.lock();
	const run = new PictureExport(place, form, request, options, { ...source, range: resolveTimeRange(range) });
	try {
		return (await run.finished()) ?? (await run.run());
	} catch (error) {
		options.signal?.throwIfAborted();
		throw error;
	} finally {
		await lock.release();
	}
}

class PictureExport {
	readonly #folder: OutputFolder;
	readonly #form: DatasetForm;
	readonly #request: Readonly<Record<string, unknown>>;
	readonly #options: ExportPicturesOptions;
	readonly #source: PictureExportSource & { readonly range: ResolvedTimeRange };

	constructor(
		folder: OutputFolder,
		form: DatasetForm,
		request: Readonly<Record<string, unknown>>,
		options: ExportPicturesOptions,
		source: PictureExportSource & { readonly range: ResolvedTimeRange },
	) {
		this.#folder = folder;
		this.#form = form;
		this.#request = request;
		this.#options = options;
		this.#source = source;
	}

	/** The summary of a folder that is finished; null where it is not. Fails with `SinkError` where it is not what is wanted. */
	async finished(): Promise<ExportPicturesSummary | null> {
		const { clock, range, fragments: listed } = this.#source;
		const { signal, select = 'all', where, padStart = true } = this.#options;
		const begunMs = clock.now();
		const manifest = await readDatasetManifest(this.#folder);
		if (manifest === null) return null;
		if (this.#isUnknown || !isDeepStrictEqual(manifest.head.request, this.#request)) {
			throw isOther(this.#folder, 'has the pictures of');
		}
		const { report, fragments } = await checkDataset(this.#folder, manifest, signal);
		const { name } = this.#folder;
		const [first] = report.damage;
		if (first !== undefined) {
			const message = `\`${name}\` is finished, but no longer matches its manifest: \`${first.file}\`: ${first.detail}; name another folder, or remove this one`;
			throw new SinkError('KVS_EXPORT_DAMAGED', name, message);
		}
		// Killed between the manifest and the end.
		await forgetProgress(this.#folder);
		const known = new Set(fragments.map(({ fragmentNumber }) => fragmentNumber));
		const isWanted = everyFragments({ select, where, padStart }, range);
		for await (const fragment of this.#readsAFew ? [] : listed(signal)) {
			const { fragmentNumber } = fragment;
			if (isWanted?.(fragment) === false || known.has(fragmentNumber)) continue;
			// What begins before the range may have been looked at and left out.
			if (startMs(fragment, range.by) < range.fromMs) continue;
			const message = `\`${name}\` is finished, and fragment ${fragmentNumber} was added to the archive since; name another folder, or remove this one`;
			throw new SinkError('KVS_LATE_FRAGMENT', name, message);
		}
		const { failures } = runStartOf(fragments);
		const run = { calls: 0, throttled: 0, elapsedMs: clock.now() - begunMs, failures };
		return { ...this.#summary(manifest.head.totals, run), resumed: report.pictures, verified: true };
	}

	/** Writes what is left; all of it again where what is written cannot be gone on from. */
	async run(): Promise<ExportPicturesSummary> {
		if (this.#isUnknown) await discardDataset(this.#folder, this.#form);
		try {
			return await this.#attempt();
		} catch (error) {
			if ((error as { code?: unknown }).code !== LATE_FRAGMENT) throw error;
			await discardDataset(this.#folder, this.#form);
			return this.#attempt();
		}
	}

	/** Whether it cannot be known if another call asks for the same. */
	get #isUnknown(): boolean {
		return this.#request['where'] === 'function';
	}

	/** Whether fragments are left out that cannot hold one of the pictures. */
	get #readsAFew(): boolean {
		const { select } = this.#options;
		return typeof select === 'object' && 'count' in select;
	}

	async #attempt(): Promise<ExportPicturesSummary> {
		const [folder, form, request] = [this.#folder, this.#form, this.#request];
		const { onPicture, onFailure } = this.#options;
		const begun = await begunDataset(folder, form, request);
		const { past, fragments } = begun ?? NOT_BEGUN;
		const ledger = new RunLedger(folder.name, { fragments, tracks: past.tracks });
		const writer = new DatasetWriter({ folder, form, request, past, ledger });
		const resumed = writer.pictures;
		let isBegun = begun !== null;
		const pictures = this.#source.pictures(runStartOf(fragments), {
			events: (events) => ledger.events(events),
			startAt: startsOf(past),
			onKeyFrame: (key, state) => ledger.group(key, state),
			onFailure: (failure) => {
				ledger.failed(failure.frame);
				onFailure?.(failure);
			},
		});
		try {
			for await (const picture of pictures) {
				// Not before: a range without pictures leaves nothing.
				if (!isBegun) await beginDataset(folder, form, request);
				isBegun = true;
				if (await writer.add(picture)) await onPicture?.(picture);
			}
			const run = await pictures.summary;
			const before = [...past.tracks.values()].reduce((sum, { failures }) => sum + failures, 0);
			const { totals } = runStartOf(ledger.fragments);
			const counted = { ...totals, fragments: fragmentsOf(totals) };
			const pictureFailures = before + run.pictureFailures;
			const written = await writer.finish({ pictureFailures, ...counted });
			await forgetProgress(folder);
			return { ...this.#summary(written, run), resumed, verified: false };
		} catch (error) {
			await writer.leave();
			throw error;
		}
	}

	#summary(
		totals: DatasetTotals,
		{
			calls,
			throttled,
			elapsedMs,
			failures,
		}: Pick<RunSummary, 'calls' | 'throttled' | 'elapsedMs' | 'failures'>,
	): Omit<ExportPicturesSummary, 'resumed' | 'verified'> {
		const isComplete = totals.failed + totals.missing === 0;
		return { folder: this.#folder.name, isComplete, ...totals, failures, calls, throttled, elapsedMs };
	}
}

/** The key frames at which decoding begins, by track. */
function startsOf({ tracks }: DatasetPast): ReadonlyMap<number, PictureStart> {
	return new Map(
		[...tracks].flatMap(([number, { restart }]) => (restart === null ? [] : [[number, restart]])),
	);
}

/** What was asked for, as plain JSON: two exports of equal requests are the same export. */
function requestOf(
	range: TimeRange,
	form: DatasetForm,
	options: ExportPicturesOptions,
	stream: string,
): Readonly<Record<string, unknown>> {
	const { fromMs, toMs, by } = resolveTimeRange(range);
	const given = Object.entries(options).filter(
		([name, value]) => value !== undefined && !WITHOUT_EFFECT.has(name),
	);
	const request = {
		stream,
		from: new Date(fromMs),
		to: new Date(toMs),
		by,
		select: 'all',
		format: 'jpg',
		padStart: true,
		duplicates: 'keep-all',
		...Object.fromEntries(given),
		...form,
		...(typeof options.where === 'function' && { where: 'function' }),
	};
	return JSON.parse(JSON.stringify(request));
}
