import type { DecodedPicture, DecoderRun, Frame, FrameDecoder } from 'kvs-archive';

/** A decoder that decodes nothing: it keeps what it is given, and gives a picture of a pixel for each frame, in their order. */
export class CountingDecoder implements FrameDecoder {
	/** The frames that it was given, in order. */
	readonly given: Frame[] = [];
	/** How many times it was opened. */
	runCount = 0;

	open(): DecoderRun {
		this.runCount++;
		const { given } = this;
		let held: { frame: Frame; ms: number }[] = [];
		const flush = (): DecodedPicture[] => {
			const pictures = held
				.sort((a, b) => a.ms - b.ms)
				.map(({ frame }) => ({
					frame,
					picture: { width: 1, height: 1, data: new Uint8Array(3) },
					problem: null,
				}));
			held = [];
			return pictures;
		};
		return {
			isOpen: true,
			async *decode(frame, ms) {
				given.push(frame);
				if (frame.keyframe) yield flush();
				held.push({ frame, ms });
			},
			async *finish() {
				yield flush();
			},
			close: async () => {},
		};
	}
}
