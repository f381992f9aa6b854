const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** As the service's versions are long. */
const LENGTH = 20;

/** A new version of a stream: 20 letters and digits. */
export function newVersion(randomInt: (exclusiveMax: number) => number): string {
	return Array.from({ length: LENGTH }, () => CHARACTERS[randomInt(CHARACTERS.length)]).join('');
}
