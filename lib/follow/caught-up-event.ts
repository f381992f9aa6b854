/** A follower has given out everything that there is. */
export class CaughtUpEvent {
	readonly type = 'caught-up';
	/** How long ago the newest fragment began, by the server's clock against ours, in milliseconds; 0 before the first. */
	readonly lagMs: number;

	constructor(lagMs: number) {
		this.lagMs = lagMs;
	}
}
