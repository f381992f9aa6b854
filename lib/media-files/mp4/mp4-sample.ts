/** One sample of a track, or several contiguous PCM frames: what becomes one frame. */
export interface Mp4Sample {
	/** Where its bytes begin in the file. */
	readonly offset: number;
	readonly sizeBytes: number;
	/** Decode time and time of display on the track's own timescale, before any edit. */
	readonly decodeTicks: number;
	readonly compositionTicks: number;
	readonly durationTicks: number;
	readonly isKeyframe: boolean;
	/** Number of its sample description, from 1. */
	readonly description: number;
}
