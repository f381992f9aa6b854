import { MediaError } from '../errors.js';
import type { FragmentFailureEvent, MediaEvent } from '../model/media-event.js';
import type { MediaResponse } from '../model/media-response.js';
import type { Delivery } from '../stream/pump.js';
import { Stage } from '../stream/stage.js';
import { AssemblerContext, FragmentAssembler } from './fragment-assembler.js';

/** Options of {@link Demuxer}. */
export interface DemuxerOptions {
	/** Events one by one, or in the arrays in which chunks complete them. @default 'event' */
	readonly deliver?: Delivery;
	/** Copies every frame, so that it keeps only its own bytes alive. @default false */
	readonly copy?: boolean;
}

/** Bodies in a row that may bring nothing before the rest of their batch is given up. */
const MAX_BARREN_BODIES = 3;

/**
 * Reads the bodies of responses, in order, as one stream of events.
 *
 * Every fragment of a batch is accounted for: it comes whole, or with a `fragment-failure` in its place, or, where nothing
 * of it came, as a `fragment-failure` named `MISSING` behind the others of its batch. A body that fails is closed, the
 * fragment that was being given out fails, and the rest is asked for again: trouble with one fragment costs that fragment.
 */
export class Demuxer extends Stage<MediaResponse, MediaEvent> {
	readonly #context = new AssemblerContext();
	readonly #copy: boolean;

	constructor({ deliver = 'event', copy = false }: DemuxerOptions = {}) {
		super({ deliver, readableHighWaterMark: deliver === 'batch' ? 1 : 16 });
		this.#copy = copy;
	}

	protected override async *process(first: MediaResponse): AsyncGenerator<MediaEvent[]> {
		const outstanding = new Set(first.batch.fragments.map(({ fragmentNumber }) => fragmentNumber));
		let response = first;
		let lastError: unknown = null;
		for (let barren = 0; ; ) {
			const before = outstanding.size;
			for await (const events of this.#read(response)) {
				for (const event of events) settle(event, outstanding);
				yield events.filter((event) => !isOnlyTransport(event));
				lastError = events.filter(isFailure).find(isOnlyTransport)?.error ?? lastError;
			}
			barren = outstanding.size < before ? 0 : barren + 1;
			if (outstanding.size === 0) return;
			if (barren === MAX_BARREN_BODIES) break;
			response = await response.reopen({ after: lastSettled(response, outstanding), signal: this.signal });
		}
		yield [...outstanding].map((fragmentNumber) => this.#missing(fragmentNumber, lastError));
	}

	async *#read({ body }: MediaResponse): AsyncGenerator<MediaEvent[]> {
		const assembler = new FragmentAssembler(this.#context, { copy: this.#copy });
		try {
			for await (const chunk of body) yield* assembler.write(chunk as Uint8Array);
			yield* assembler.end();
		} catch (error) {
			this.signal.throwIfAborted();
			if (error instanceof MediaError) yield* assembler.fail('MALFORMED', error);
			else yield* assembler.fail('BODY_FAILED', bodyFailure(error));
		} finally {
			body.destroy();
		}
	}

	#missing(fragmentNumber: string, error: unknown): MediaEvent {
		const reason = error instanceof Error ? `: ${error.message}` : '';
		const message = `fragment ${fragmentNumber} was asked for and did not come${reason}`;
		return new FragmentAssembler(this.#context).missing(fragmentNumber, message, error);
	}
}

function settle(event: MediaEvent, outstanding: Set<string>): void {
	if (isOnlyTransport(event)) return;
	if ((event.type === 'fragment-end' || event.type === 'fragment-failure') && event.fragmentNumber !== null) {
		outstanding.delete(event.fragmentNumber);
	}
}

function isFailure(event: MediaEvent): event is FragmentFailureEvent {
	return event.type === 'fragment-failure';
}

/** A failure of the way and not of a fragment: nothing was given out yet, so that asking again makes it good. */
function isOnlyTransport(event: MediaEvent): boolean {
	return (
		event.type === 'fragment-failure' &&
		event.index === null &&
		event.code === null &&
		event.error instanceof MediaError
	);
}

/** The last fragment of the batch before which everything is settled. */
function lastSettled({ batch }: MediaResponse, outstanding: ReadonlySet<string>): string | undefined {
	const next = batch.fragments.findIndex(({ fragmentNumber }) => outstanding.has(fragmentNumber));
	return batch.fragments[next - 1]?.fragmentNumber;
}

function bodyFailure(error: unknown): Error {
	const { code, message } = error as { code?: string; message?: string };
	return new MediaError(
		'KVS_MEDIA_TRUNCATED',
		`the response broke off (${code ?? message ?? 'without a word'})`,
		{ cause: error },
	);
}
