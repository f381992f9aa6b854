/** What hls.js says of an error. */
export interface MediaTrouble {
	readonly type: string;
	readonly details: string;
	/** Of the response; 0 where none came. */
	readonly status: number;
	readonly message: string;
}

/** An error of media as the page shows it: what is wrong, and what to do about it. */
export function mediaErrorText({ type, details, status, message }: MediaTrouble): string {
	if (/codec/i.test(details)) {
		return `This browser cannot play the codec of this recording (${message}). Export the range as MP4 for another player, or make pictures of it with \`kvs-archive frames\`.`;
	}
	if (status >= 500 && status !== 502) {
		return `The service cannot play this moment (${details}, HTTP ${status}): a fragment of it may be damaged. Choose a moment after it, or export the range, which leaves out what fails.`;
	}
	if (type === 'networkError') {
		const cause = status === 0 ? details : `${details}, HTTP ${status}`;
		return `The media do not come (${cause}): the service or the process that serves this page may be unreachable. Choose the moment again when they are back.`;
	}
	return `The media cannot be played (${details}: ${message}). Export the range, or choose another moment.`;
}
