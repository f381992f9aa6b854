import type {
	DecodeFailure,
	ExportPicturesSummary,
	Picture,
	PictureStream,
	PictureSummary,
} from '../../../index.js';
import type { ScreenRequest } from './pictures-at.js';

/** The most frames for which the reason of a failure is kept; the others are counted. */
const MAX_KEPT_FAILURES = 10;

/** What one or more runs gave, added up. */
export class FramesTally {
	/** The times that `--at` names; null without it. */
	readonly screen: ScreenRequest | null;
	/** Frames that could not be decoded, the first of them. */
	readonly failures: DecodeFailure[] = [];
	/** All frames that could not be decoded. */
	failureCount = 0;
	readonly totals = {
		fragments: 0,
		delivered: 0,
		failed: 0,
		missing: 0,
		skipped: 0,
		pictureFailures: 0,
		elapsedMs: 0,
	};
	#exported: ExportPicturesSummary | null = null;
	/** The times of `--at` for which there was a picture. */
	readonly #seen = new Set<number>();
	#given = 0;
	#givenBefore = 0;

	constructor(screen: ScreenRequest | null) {
		this.screen = screen;
	}

	/** Whether the run under way, or the one that ended last, gave a picture. */
	get hasFound(): boolean {
		return this.#given > this.#givenBefore;
	}

	/** Times of `--at` for which there was no picture. */
	get unseen(): number {
		return this.screen === null ? 0 : this.screen.times.length - this.#seen.size;
	}

	get isComplete(): boolean {
		const { failed, missing, pictureFailures } = this.totals;
		return failed + missing + pictureFailures + this.unseen === 0;
	}

	/** Pictures that are written, those of earlier processes included. */
	get pictures(): number {
		return this.#exported?.pictures ?? this.#given;
	}

	/** Pictures that an earlier process had written; and whether it was all of them. */
	get before(): { readonly resumed: number; readonly verified: boolean } {
		const { resumed = 0, verified = false } = this.#exported ?? {};
		return { resumed, verified };
	}

	/** The fields of the summary line of `--json`. */
	get counted(): object {
		const { isComplete, pictures } = this;
		return { pictures, ...(this.#exported ?? this.totals), isComplete };
	}

	/** The pictures of one run after the other, counted, and their results. */
	async *picturesOf(runs: AsyncIterable<PictureStream>): AsyncGenerator<Picture> {
		for await (const run of runs) {
			this.#givenBefore = this.#given;
			for await (const picture of run) {
				this.picture(picture);
				yield picture;
			}
			this.#end(await run.summary);
		}
	}

	picture({ at = [] }: Picture): void {
		this.#given++;
		for (const time of at) this.#seen.add(time.getTime());
	}

	failure(failure: DecodeFailure): void {
		this.failureCount++;
		if (this.failures.length < MAX_KEPT_FAILURES) this.failures.push(failure);
	}

	/** A range was written. */
	exported(summary: ExportPicturesSummary): void {
		this.#exported = summary;
		this.#end(summary);
	}

	/** A run has ended. */
	#end(summary: PictureSummary): void {
		for (const name of Object.keys(this.totals) as (keyof FramesTally['totals'])[]) {
			this.totals[name] += summary[name];
		}
	}
}
