import { MediaError } from '../errors.js';
import type { MediaEvent } from '../model/media-event.js';
import type { Delivery } from '../stream/pump.js';
import { Stage } from '../stream/stage.js';
import { AssemblerContext, FragmentAssembler } from './fragment-assembler.js';

/** Options of {@link MkvReader}. */
export interface MkvReaderOptions {
	/** Events one by one, or in the arrays in which chunks complete them, which costs less for each. @default 'event' */
	readonly deliver?: Delivery;
	/**
	 * Copies every frame, so that it keeps only its own bytes alive. Without it a frame is a view that pins the chunk it
	 * arrived in: holding one small frame in a hundred may hold every byte that was read. @default false
	 */
	readonly copy?: boolean;
}

/** Bytes that may wait at the entrance before the writer is asked to pause. */
const WRITABLE_HIGH_WATER_MARK_BYTES = 64 * 1024;

/**
 * Bytes of Matroska in, {@link MediaEvent}s out: a KVS payload (documents one behind the other), a file, a GetMedia body.
 *
 * Chunks may be cut anywhere and are not copied: do not write to them afterwards. A payload that ends inside an element
 * gives a `fragment-failure` behind the frames that did arrive; where every open element is of unknown size the bytes
 * cannot tell, and the fragment counts as complete. Bytes that are no Matroska destroy the reader with a
 * {@link MediaError} (`KVS_MKV_MALFORMED`), behind the events before that place.
 */
export class MkvReader extends Stage<Uint8Array, MediaEvent> {
	readonly #assembler: FragmentAssembler;

	constructor({ deliver = 'event', copy = false }: MkvReaderOptions = {}) {
		super({
			deliver,
			writableObjectMode: false,
			writableHighWaterMark: WRITABLE_HIGH_WATER_MARK_BYTES,
			readableHighWaterMark: deliver === 'batch' ? 1 : 16,
		});
		this.#assembler = new FragmentAssembler(new AssemblerContext(), { copy });
	}

	protected override *process(chunk: Uint8Array): Generator<MediaEvent[]> {
		try {
			yield* this.#assembler.write(chunk);
		} catch (error) {
			if (error instanceof MediaError) yield* this.#assembler.fail('MALFORMED', error);
			throw error;
		}
	}

	protected override *finish(): Generator<MediaEvent[]> {
		yield* this.#assembler.end();
	}
}
