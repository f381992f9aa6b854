import { EventEmitter, once } from 'node:events';
import PQueue from 'p-queue';
import { onAbort } from '../../stream/abort.js';
import { type ImagePageSource, type MadeImage, makeImagePage } from './image-page.js';

/** Pages that are made at once; each has one decoder, and the frames of three fragments in memory. */
const MAX_UNDER_WAY = 2;

/** Above this size of the pages that are being sent, no further one is begun. */
const MAX_HELD_BYTES = 256_000_000;

/** Makes the images of all requests, a few pages at a time. */
export class ImageMaker {
	readonly #queue = new PQueue({ concurrency: MAX_UNDER_WAY });
	readonly #releases = new EventEmitter().setMaxListeners(MAX_UNDER_WAY);
	#heldBytes = 0;

	/**
	 * The images of a page, when its turn has come. They count as held in memory until `signal` is aborted, which ends the work,
	 * too. Rejects as {@link makeImagePage}.
	 */
	make(source: ImagePageSource, signal: AbortSignal): Promise<MadeImage[]> {
		return this.#queue.add(async () => {
			while (this.#heldBytes > MAX_HELD_BYTES) await once(this.#releases, 'release');
			signal.throwIfAborted();
			const images = await makeImagePage(source, signal);
			this.#hold(images, signal);
			return images;
		});
	}

	#hold(images: readonly MadeImage[], signal: AbortSignal): void {
		const sizeBytes = images.reduce((sum, { content }) => sum + (content?.byteLength ?? 0), 0);
		this.#heldBytes += sizeBytes;
		onAbort(signal, () => {
			this.#heldBytes -= sizeBytes;
			this.#releases.emit('release');
		});
	}
}
