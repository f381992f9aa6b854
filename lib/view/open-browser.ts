import { spawn } from 'node:child_process';

/** What opens an address in the user's browser. */
const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
	darwin: ['open'],
	win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens an address in the user's browser, which then lives on its own. Resolves with false where nothing on this machine does that. */
export async function openBrowser(url: string): Promise<boolean> {
	const [program, ...args] = openers[process.platform] ?? ['xdg-open'];
	const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
	const isOpened = await new Promise<boolean>((resolve) => {
		child.once('spawn', () => resolve(true));
		child.once('error', () => resolve(false));
	});
	child.unref();
	return isOpened;
}
