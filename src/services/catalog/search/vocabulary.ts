import { stem, wordsOf } from './words.ts'

/**
 * What people call the things that tools are about, where descriptions, nearly all of them English, use another word.
 * Before the colon: words of descriptions; behind it: what is asked for, in English, German, French and Spanish. A table,
 * not a dictionary: common tasks of a house and a desk. What it does not know is searched for as it stands.
 */
const GROUPS = `
file: document datei dateien dokument fichier fichiers archivo archivos fichero ficheros
directory folder: dir mkdir ordner verzeichnis verzeichnisse dossier dossiers repertoire carpeta carpetas directorio
read: view show lesen lies auslesen anzeigen lire lis leer lee ver mostrar afficher
write save: store schreiben speichern sichern ecrire enregistrer sauvegarder escribir guardar
create: make new add anlegen erstellen neu neue neuen neuer hinzufugen creer nouveau nouvelle ajouter crear nuevo nueva anadir agregar hacer
add: append hinzufugen ajouter anadir agregar
delete remove: rm erase drop forget loschen losche entfernen vergessen supprimer effacer oublier borrar eliminar quitar olvidar
edit: change modify replace andern bearbeiten ersetzen modifier remplacer editer modificar cambiar editar reemplazar
move rename: mv verschieben umbenennen deplacer renommer mover renombrar
copy: cp duplicate kopieren copier copiar
list: ls enumerate which auflisten liste alle lister listar lista todos
search find: look seek locate suchen suche finden finde chercher rechercher trouver buscar encontrar
open navigate: visit go offnen offne aufrufen besuchen ouvrir visiter aller abrir visitar ir
url page: website site webpage webseite seite internetseite internet web pagina sitio
browser: navigateur navegador
click: press tap klicken klick anklicken cliquer clic pulsar
button: knopf schaltflache taste bouton boton
type: enter input tippen eingeben taper saisir escribir teclear
form: formular formulaire formulario
fill: complete ausfullen remplir rellenar completar
select: choose pick auswahlen wahlen choisir selectionner elegir seleccionar
option dropdown: menu auswahl optionen choix opcion
screenshot: picture photo capture bildschirmfoto screenshots ecran pantalla captura foto
image: picture photo bild bilder foto imagen imagenes
audio sound: ton klang musik son sonido musica music
back previous: zuruck retour precedent atras anterior
wait: warten attendre esperar
upload: hochladen televerser envoyer subir
download: herunterladen telecharger descargar
send publish: post emit senden sende schicken veroffentlichen envoyer publier enviar publicar
message: nachricht nachrichten messages mensaje mensajes
topic: subject thema sujet tema
subscribe collect: listen watch hear abonnieren abonniere zuhoren mithoren lauschen ecouter abonner suscribir escuchar
device: gadget appliance gerat gerate geraten appareil appareils dispositivo dispositivos aparato
home: house haus heim hause maison hogar casa domicile
light lamp: licht lampe lampen lumiere lampara luz luces
switch turn: on off toggle einschalten ausschalten anschalten schalten schalte allumer eteindre encender apagar
set control: steuern stellen setzen regler commander controlar ajustar
temperature: temperatur warm heizung chauffage heating thermostat temperatura calefaccion
sensor: fuhler messwert capteur
weather: wetter meteo temps tiempo clima
forecast: vorhersage prevision pronostico
calendar event: termin termine kalender rendez calendrier evenement cita calendario evento
mail email: post e-mail brief courriel correo
task todo: aufgabe aufgaben tache taches tarea tareas
reminder: remind erinnern erinnerung rappel rappeler recordatorio recordar
note: notiz notizen nota notas
time: uhr uhrzeit zeit heure hora
date: datum fecha
translate: ubersetzen traduire traducir
speak say: sprechen sagen vorlesen parler dire hablar decir
server: serveur servidor
service: dienst dienste servicio servicios
start: begin launch run starten beginnen demarrer lancer iniciar arrancar
stop: end halt stoppen anhalten beenden arreter parar detener
restart: reboot neustart neustarten neu redemarrer relancer reiniciar
health status: state well alive zustand gesundheit etat sante estado salud
diagnose: why wrong problem broken diagnostic ursache warum pourquoi panne porque diagnosticar fallo
unavailable: down crashed dead ausgefallen tot
log: protokoll logs journal registro registros
error: failure fehler erreur erreurs fallo errores
changed change: different geandert verandert anderung change modifie changements cambiado cambios cambio
connect connection: verbinden verbindung connexion connecter conectar conexion
disconnect close: schliessen trennen fermer deconnecter cerrar desconectar
token: key password access zugang schlussel passwort jeton acces mot clave contrasena acceso
password: passwort kennwort contrasena
approve allow: genehmigen genehmige erlauben freigeben zulassen zustimmen approuver autoriser aprobar autorizar
revoke: withdraw entziehen widerrufen revoquer revocar
user: person benutzer nutzer utilisateur usuario persona
entity: thing person object
observation: fact something merken merke retenir
graph: memory wissen connaissances conocimiento
relation: link edge beziehung beziehungen lien relacion relaciones
performance: slow slowest fast speed leistung langsam geschwindigkeit vitesse rendimiento lento
metric usage: statistics consumption load auslastung verbrauch statistiques estadisticas uso
record: aufzeichnen aufnehmen aufnahme mitschneiden enregistrer grabar
replay: abspielen wiedergeben rejouer reproducir
alert: alarm warn warnung alarme alerte alerta
database table: datenbank tabelle base donnees datos tabla
query: abfrage abfragen requete consulta
run execute: ausfuhren executer ejecutar
code script: programm programme codigo
number sum: zahl zahlen summe addieren addition plus somme nombre suma sumar numero
compress gzip: zip pack komprimieren packen compresser comprimir
environment: umgebung environnement entorno
variable: variablen variables
size: big large grosse taille tamano
metadata info: information details modified created informationen informations informacion
issue: ticket bug
pull request: merge
commit: einchecken
map route: karte weg carte chemin mapa ruta
music: musik musique cancion
shopping cart: einkaufen warenkorb courses panier compras carrito
price: preis prix precio
dark: dunkel sombre oscuro
scheme mode: modus theme
`

/** A stem as it is asked for → stems of descriptions. */
function read(): Map<string, Set<string>> {
  const meant = new Map<string, Set<string>>()
  for (const line of GROUPS.trim().split('\n')) {
    const [described = '', asked = ''] = line.split(':')
    const own = wordsOf(described).map(stem)
    for (const word of [...own, ...wordsOf(asked).map(stem)])
      meant.set(word, new Set([...(meant.get(word) ?? []), ...own.filter((other) => other !== word)]))
  }
  return meant
}

// Made by the first search: it takes milliseconds that a hub which starts has better use for.
let meant: Map<string, Set<string>> | undefined

/** Other stems under which this one may stand in a description. */
export const alsoMeant = (term: string): Iterable<string> => (meant ??= read()).get(term) ?? []

/** Letters that a part of a word has at least. */
const SHORTEST_PART = 4
/** What German puts between the parts: Umgebung-s-variablen, Datei-en-liste. */
const LINKS = /(?:s|n|en|es)$/

/** German writes words together: the two of the table that one is made of, where the table has no such word itself. */
export function partsOf(word: string): readonly string[] {
  const isKnown = (part: string) => (meant ??= read()).has(stem(part))
  if (word.length < 2 * SHORTEST_PART || isKnown(word)) return []
  for (let at = word.length - SHORTEST_PART; at >= SHORTEST_PART; at--) {
    const [first, second] = [word.slice(0, at), word.slice(at)]
    const left = [first, first.replace(LINKS, '')].find((part) => part.length >= SHORTEST_PART && isKnown(part))
    if (left !== undefined && isKnown(second)) return [left, second]
  }
  return []
}

/** Words that say nothing of what is looked for. */
const EMPTY = new Set(
  `
a an the of in on at to for from by with and or is are was were be been do does did i my me you your it its this that these
what when where who how can could please tool tools want need something
der die das den dem ein eine einen einem im in am auf an zu zum zur fur mit und oder ist sind war ich mein meine mir mich du es
was wann wo wer wie kann bitte hat sich machen
le la les un une des de du d l en dans sur au aux a pour avec et ou est sont je mon ma mes ce cette quoi quand qui comment
faire s
el los las una unos unas del al en con y o es son yo mi mis que cuando donde quien como puedo por favor
`.split(/\s+/),
)

export const isEmptyWord = (word: string): boolean => EMPTY.has(word)
