/** A frame that is nearer than this to where one seeks is the one that was looked for, in seconds. */
const NEAR_SECONDS = 0.5;

/**
 * Follows the frames of a video as they are shown, by their place in the media; of audio alone, its position. While a seek is
 * under way the picture from before is still there, and is not reported.
 */
export function watchFrames(video: HTMLVideoElement, onFrame: (seconds: number) => void): void {
	/** Of a frame that was shown before its seek was over. */
	let soughtSeconds: number | null = null;
	const watch = (): void => {
		video.requestVideoFrameCallback((_, { mediaTime }) => {
			if (video.seeking) soughtSeconds = mediaTime;
			else onFrame(mediaTime);
			watch();
		});
	};
	video.addEventListener('seeked', () => {
		const seconds = soughtSeconds;
		soughtSeconds = null;
		if (seconds !== null && Math.abs(seconds - video.currentTime) < NEAR_SECONDS) onFrame(seconds);
	});
	// Without video there are no frames to follow.
	video.addEventListener('timeupdate', () => {
		if (video.videoWidth === 0 && !video.seeking) onFrame(video.currentTime);
	});
	watch();
}

/** The picture that a video shows as PNG; null where there is none. */
export async function pictureOf(video: HTMLVideoElement): Promise<Blob | null> {
	const { videoWidth: width, videoHeight: height } = video;
	if (width === 0) return null;
	const canvas = new OffscreenCanvas(width, height);
	canvas.getContext('2d')?.drawImage(video, 0, 0);
	return canvas.convertToBlob({ type: 'image/png' });
}
