/** Settings for the eye: as they are spelled in the file, secrets hidden. */
import { printValue } from './print.js';
import type { Setting } from './settings.js';

/** The value as typed, on one line; a secret only as stars. */
export function printSetting(setting: Setting): string {
  if (setting.option.hidden) return setting.option.print(setting.value);
  return printValue(setting.node.value).replace(/\s+/g, ' ');
}

/** `Message_Expiration`: an option's name as manuals write it. */
export const titleCase = (name: string): string => name.replace(/(^|_)([a-z])/g, (_, gap: string, c: string) => gap + c.toUpperCase());
