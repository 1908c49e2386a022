/**
 * What people take when they have to take something, folded as the policy folds: small letters, digits
 * that stand for letters read as these, ends cut off. From the published lists of the most common ones.
 */
export const GUESSED_STEMS: ReadonlySet<string> = new Set(
  `password passwort passw0rd passphrase mypassword thepassword newpassword yourpassword passwordpassword secret
  topsecret letmein letmeinplease welcome welcomehome welcometo changeme changemenow changemeplease default
  administrator admin adminadmin rootroot superuser superman batman spiderman starwars pokemon football baseball
  basketball liverpool chelsea arsenal manchesterunited manchester barcelona realmadrid iloveyou iloveyousomuch
  ilovejesus jesuschrist trustno sunshine princess princesse dragon monkey master shadow michael jennifer jordan
  computer computerscience internet internetexplorer qwertyuiop qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertzuiop
  asdfghjkl asdfghjklzxcvbnm zxcvbnm qazwsxedc qazwsxedcrfv qazwsxedcrfvtgb qwerty qwertyqwerty abcdefghijkl abcdefghijklmnop
  abcdefghijklmnopqrstuvwxyz correcthorsebatterystaple correcthorse whatever whateverwhatever nothing something
  freedom forever hellohello hello helloworld goodmorning goodbye summer winter spring autumn january february
  september october november december london birmingham bradford yorkshire england company companyname office
  router gateway network wireless wifipassword vpnpassword quicether test testtest testing example temporary
  temppassword guest guestguest user username mynameis security securepassword`.split(/\s+/),
);
